#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "configs/command_line.h"
#include "train/commands.h"
#include "train/metrics/likelihoods/hits.h"
#include "train/metrics/likelihoods/ranking_file.h"
#include "train/metrics/texts/sample_files.h"
#include "train/metrics/texts/scores.h"
#include "train/metrics/texts/used_vectors.h"

namespace banter::train {
namespace {

namespace json = base::json;

struct Request {
  SampleFiles files;
  std::string against, vectors, rankings;
  std::vector<std::string> metrics;
  MetricSettings settings;
  Resampling resampling;
  std::optional<std::size_t> trials;
  bool json = false;
};

std::string option_of(Need need) {
  switch (need) {
    case Need::kReferences:
      return "--references";
    case Need::kContexts:
      return "--contexts";
    case Need::kVectors:
      return "--vectors and --references";
    case Need::kJudgements:
      return "replies that were judged: `banter evaluate RUN --nli NLI --write-replies FILE` "
             "writes such";
    case Need::kNothing:
      break;
  }
  return "";
}

/// What was asked for by name, or all that the files allow.
/// Throws   UsageError when what was asked for lacks a file
std::vector<const Metric*> chosen_metrics(const Request& request, std::span<const Sample> samples,
                                          std::span<const Sample> others) {
  std::vector<const Metric*> wanted;
  for (const auto& metric : known_metrics()) wanted.push_back(&metric);
  if (!request.metrics.empty()) wanted = metrics_named(request.metrics);
  auto possible = possible_metrics(wanted, samples, !request.vectors.empty());
  if (!others.empty()) possible = possible_metrics(possible, others, !request.vectors.empty());
  if (request.metrics.empty()) return possible;
  for (const auto* metric : wanted)
    if (std::ranges::find(possible, metric) == possible.end())
      throw base::UsageError("banter metrics: " + std::string(metric->name) + " needs " +
                             option_of(metric->need) + "; see `banter metrics --help`");
  return wanted;
}

std::uint64_t count_groups(std::span<const Sample> samples) {
  std::unordered_set<std::uint64_t> groups;
  for (const auto& sample : samples) groups.insert(sample.group);
  return groups.size();
}

json::object to_json(const Request& request, std::span<const Sample> samples,
                     const std::optional<UsedVectors>& used, std::span<const Score> scores) {
  json::object answer = {
      {"replies", request.files.replies},
      {"counts", {{"replies", samples.size()}, {"groups", count_groups(samples)}}}};
  if (!request.against.empty()) answer["against"] = request.against;
  if (used) answer["vectors"] = used->to_json();
  json::object metrics;
  for (const auto& score : scores) metrics[std::string(score.metric->name)] = score.to_json();
  answer["metrics"] = std::move(metrics);
  return answer;
}

void print(const Request& request, std::span<const Sample> samples,
           const std::optional<UsedVectors>& used, std::span<const Score> scores) {
  auto& out = std::cout;
  print_scores(out, scores);
  out << '\n' << samples.size() << " replies in " << count_groups(samples) << " groups";
  if (!request.against.empty())
    out << "; p by " << name_of(request.resampling.test) << ", " << request.resampling.trials
        << " trials over groups (distinct, entropy and same_reply always by randomisation); a "
           "trial "
           "that differs as much counts against the difference";
  out << '\n';
  if (used) used->print(out);
  for (const auto& score : scores)
    if (score.counted < samples.size())
      out << score.metric->name << ": " << samples.size() - score.counted
          << (score.metric->need == Need::kJudgements
                  ? " replies skipped, none of a sentence was known of who gave them\n"
                  : " pairs skipped, no word of theirs that counts has a vector\n");
}

/// Names of options that stand for values.
struct Names {
  std::string smoothing = kSmoothings.back(), tokenize = kTokenizers.front(),
              test = name_of(Resampling{}.test);
};

void add_options(configs::CommandLine& line, Request& request, Names& names) {
  auto& app = line.app;
  const std::string lines = ", one a line, plain or JSON Lines";
  app.add_option("--replies", request.files.replies, "a system's replies" + lines);
  app.add_option("--references", request.files.references,
                 "what was really said" + lines + "; repeatable: several references a reply")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--contexts", request.files.contexts,
                 "what was replied to" + lines + "; plain: tabs between turns");
  app.add_option("--against", request.against, "another system's replies to the same contexts");
  app.add_option("--vectors", request.vectors, "word vectors as text: GloVe's or word2vec's form");
  app.add_option("--rankings", request.rankings,
                 "in place of replies how candidates were scored, JSON Lines: \"scores\", "
                 "\"answer\" (the true one's place, from 0), \"candidates\", \"dialogue\"");
  app.add_option("--metrics", request.metrics, "names with commas between; by default all that can")
      ->delimiter(',');
  app.add_option("--groups", request.files.groups,
                 "the dialogue of each reply, one a line; by default each reply is one");
  app.add_option("--tokenize", names.tokenize,
                 "what words are; char: characters, for texts without spaces between words")
      ->check(CLI::IsMember(std::vector<std::string>(kTokenizers.begin(), kTokenizers.end())))
      ->capture_default_str();
  app.add_option("--smoothing", names.smoothing, "of BLEU")
      ->check(CLI::IsMember(std::vector<std::string>(kSmoothings.begin(), kSmoothings.end())))
      ->capture_default_str();
  app.add_option("--test", names.test, "of a difference")
      ->check(CLI::IsMember({"randomisation", "bootstrap"}))
      ->capture_default_str();
  app.add_option("--resamples", request.resampling.resamples, "draws of an interval")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--trials", request.trials, "of the test; by default 10000, of a bootstrap 1000")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", request.resampling.seed, "of draws and trials")->capture_default_str();
  for (const auto* of_replies : {"--references", "--contexts", "--against", "--vectors", "--groups",
                                 "--tokenize", "--smoothing", "--test", "--trials"})
    app.get_option("--rankings")->excludes(of_replies);
  line.with_json();
}

/// hits@k of what another program scored.
int run_rankings(const Request& request) {
  std::vector<unsigned> ks(kUsualHits.begin(), kUsualHits.end());
  if (!request.metrics.empty()) ks.clear();
  for (const auto& name : request.metrics) {
    const auto named = hits_named(name);
    if (named.empty())
      throw base::UsageError("banter metrics: of --rankings there is no metric \"" +
                             base::printable(name) + "\"; known: hits_1 hits_2 ...");
    ks.insert(ks.end(), named.begin(), named.end());
  }
  std::ranges::sort(ks);
  ks.erase(std::unique(ks.begin(), ks.end()), ks.end());
  const auto hash = base::sha256_hex(base::MappedFile(request.rankings).text()).substr(0, 12);
  const Ranking ranking(read_rankings(request.rankings), ks, "data:" + hash,
                        request.resampling.resamples, request.resampling.seed);
  if (request.json)
    std::cout << base::pretty_json(ranking.to_json());
  else
    ranking.print(std::cout);
  return 0;
}

int run(Request& request) {
  const auto samples = read_samples(request.files);
  std::vector<Sample> others;
  if (!request.against.empty())
    others = with_replies(samples, request.against, request.files.replies);
  const auto metrics = chosen_metrics(request, samples, others);
  std::optional<UsedVectors> used;
  if (!request.vectors.empty()) {
    used.emplace(request.vectors, std::vector<std::span<const Sample>>{samples}, others,
                 request.settings.tokenize);
    request.settings.vectors = &used->vectors;
  }
  const auto scores = score(samples, others, metrics, request.settings, request.resampling);
  if (request.json)
    std::cout << base::pretty_json(to_json(request, samples, used, scores));
  else
    print(request, samples, used, scores);
  return 0;
}

}  // namespace

int run_metrics(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter metrics",
      "How replies compare with references, and how varied they are: values with 95 % intervals "
      "and signatures, and on request whether two systems differ. Needs no model.",
      "banter metrics --replies replies.txt --references references.txt\n"
      "banter metrics --replies hred.jsonl --against seq2seq.jsonl --references test.jsonl --json\n"
      "banter metrics --replies r.txt --references a.txt --references b.txt --metrics bleu,f1\n"
      "banter metrics --replies r.txt --references a.txt --vectors glove.6B.300d.txt "
      "--metrics embed\n"
      "banter metrics --replies chinese.txt --references r.txt --tokenize char\n"
      "banter metrics --rankings scored.jsonl --metrics hits_1,hits_5");
  Request request;
  Names names;
  add_options(line, request, names);
  if (!line.parse(arguments)) return 0;
  if (request.files.replies.empty() == request.rankings.empty())
    throw base::UsageError(
        "banter metrics: give --replies, or --rankings in their place; see `banter metrics "
        "--help`");
  request.json = line.common.json;
  request.settings.smoothing =
      static_cast<Smoothing>(std::ranges::find(kSmoothings, names.smoothing) - kSmoothings.begin());
  request.settings.tokenize = tokenize_named(names.tokenize);
  const bool is_bootstrap = names.test == "bootstrap";
  request.resampling.test = is_bootstrap ? PairedTest::kBootstrap : PairedTest::kRandomisation;
  request.resampling.trials = request.trials.value_or(is_bootstrap ? 1000 : 10'000);
  return request.rankings.empty() ? run(request) : run_rankings(request);
}

}  // namespace banter::train
