#include <algorithm>
#include <iostream>
#include <optional>
#include <span>

#include "base/errors.h"
#include "base/json.h"
#include "base/signals.h"
#include "configs/command_line.h"
#include "configs/section.h"
#include "data/store/store.h"
#include "models/commands/model_arguments.h"
#include "models/commands/nli_argument.h"
#include "models/decoding/composed.h"
#include "train/commands.h"
#include "train/consistency.h"
#include "train/evaluate.h"
#include "train/evaluation_choice.h"
#include "train/findings.h"
#include "train/metrics/texts/sample_files.h"
#include "train/metrics/texts/scores.h"
#include "train/pairs/evaluation.h"
#include "train/pairs/report.h"
#include "train/pairs/scoring.h"
#include "train/perturbation.h"
#include "train/ranking.h"
#include "train/reply_rule.h"
#include "train/run_store.h"

namespace banter::train {
namespace {

/// Those of the chosen metrics that the model has: a bound only where there is one.
std::vector<LikelihoodMetric> fits_of(const EvaluationChoice& choice, const Likelihood& model) {
  auto fits = choice.fits;
  std::erase_if(fits, [&](const LikelihoodMetric& metric) {
    return metric.value == &Likelihood::ppl_bound && model.bound == 0;
  });
  return fits;
}

/// How replies are chosen: greedily, or by what `--set decoding.*` lays over that.
/// Throws   ConfigError; UsageError when --set names something else
models::DecodingOptions decoding_of(const std::vector<std::string>& overrides) {
  for (const auto& text : overrides)
    if (!text.starts_with("decoding."))
      throw base::UsageError("banter evaluate: --set " + text +
                             ": a trained model's settings are fixed; only decoding.* can be set");
  const auto config = configs::Config::parse("decoding: {}", "decoding", overrides);
  auto section = config.root().section("decoding");
  return models::DecodingOptions::from(section);
}

/// The references as if they were replies: how varied people are, and how often they copy.
std::vector<Sample> references_as_replies(std::vector<Sample> samples) {
  for (auto& sample : samples) {
    sample.reply = std::move(sample.references.at(0));
    sample.references.clear();
  }
  return samples;
}

struct Request {
  models::ModelArguments model;
  models::NliArgument nli;
  std::string split = "valid", store, vectors;
  std::optional<std::string> pairs;  ///< store of sentence pairs; "" = that of the replies
  std::string pairs_split = "valid", pairs_file;
  std::string replies_file, likelihoods_file, sums_file;  ///< "" = none is written
  std::uint64_t replies = 200;                            ///< answered by `decoding`
  models::DecodingOptions decoding;
  EvaluationChoice choice = EvaluationChoice::usual();
  RankScore rank_score = RankScore::kMean;
  Tokenize tokenize = Tokenize::k13a;  ///< of the metrics of texts
  bool quiet = false;
};

/// The run with the checkpoint that was taken.
std::string name_of(const Request& request, const models::Checkpoint& checkpoint) {
  return models::RunName::parse(request.model.run).run.string() + "@step-" +
         std::to_string(checkpoint.step) + (checkpoint.use_ema ? " (ema)" : "");
}

/// What every signature of a model or classifier on this split has.
template <typename Model>
std::string signature_of(const models::Loaded<Model>& loaded, const data::Store& store,
                         const data::Split& split) {
  return "checkpoint:" + loaded.checkpoint.hash.substr(0, 12) +
         "|tokenizer:" + loaded.tokenizer.hash().substr(0, 12) +
         "|data:" + store.corpus_hash().substr(0, 12) + "|split:" + split.name();
}

/// Which replies were taken, for signatures.
std::string replies_of(const models::LoadedModel& loaded, const data::Store& store) {
  return "|reply_by:" + (loaded.batch.reply_by == "auto"
                             ? std::string(data::usual_replies(store.format()))
                             : loaded.batch.reply_by);
}

/// The model's replies beside the references in their place. `judge` may be null.
void measure_texts(const Request& request, const models::LoadedModel& loaded,
                   const data::Split& split, models::ConsistencyJudge* judge, Findings& found) {
  const auto& metrics = request.choice.texts;
  if (request.replies == 0 || (metrics.empty() && request.replies_file.empty())) return;
  auto samples = answer(*loaded.model, loaded.tokenizer, split, loaded.batch, request.decoding,
                        request.replies, request.quiet,
                        models::reranker_of(request.decoding, judge, loaded.tokenizer));
  if (judge != nullptr) judge_replies(*judge, samples, request.quiet);
  if (!request.replies_file.empty()) write_samples(request.replies_file, samples);
  MetricSettings settings{.tokenize = request.tokenize};
  if (!request.vectors.empty()) {
    found.vectors.emplace(request.vectors, std::vector<std::span<const Sample>>{samples},
                          std::span<const Sample>{}, request.tokenize);
    settings.vectors = &found.vectors->vectors;
  }
  found.answered = samples.size();
  found.texts.emplace_back(request.decoding.method, samples, metrics, settings);
  auto references = references_as_replies(std::move(samples));
  if (judge != nullptr) judge_replies(*judge, references, request.quiet);
  found.texts.emplace_back("reference", references, metrics, settings);
  std::erase_if(found.texts, [](const TextScores& one) { return one.scores.empty(); });
}

/// The true replies among the candidates that stand beside them.
void measure_ranking(const Request& request, const models::LoadedModel& loaded,
                     const data::Split& split, const std::string& how, Findings& found) {
  const auto& ks = request.choice.hits;
  if (ks.empty()) return;
  const auto ranks = rank_replies(*loaded.model, loaded.tokenizer, split, loaded.batch,
                                  request.rank_score, request.quiet);
  const auto* score = kRankScores.at(static_cast<std::size_t>(request.rank_score));
  found.ranking.emplace(ranks, ks, std::string("rank_score:") + score + "|" + how);
  found.sums.add_hits(ranks, ks);
}

/// The different values of a number that replies have, rising.
std::vector<std::uint64_t> numbers_of(const std::vector<ReplyLikelihood>& replies,
                                      std::uint64_t ReplyLikelihood::*number) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(replies.size());
  for (const auto& reply : replies) numbers.push_back(reply.*number);
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

/// The rise of each chosen alteration of the contexts.
void measure_rises(const Request& request, const models::LoadedModel& loaded,
                   const data::Split& split, const Evaluation& plain, Findings& found) {
  const auto groups = numbers_of(plain.replies, &ReplyLikelihood::group);
  for (const auto name : request.choice.perturbations) {
    const data::TransformOptions transform{.name = std::string(name)};
    const auto altered =
        altered_likelihoods(*loaded.model, loaded.tokenizer, split, loaded.batch, transform,
                            models::device_of(*loaded.model), request.quiet);
    const bool is_random = data::transform_named(name).is_random;
    const auto& rise = found.rises.emplace_back(
        std::string(kPerturb) + transform.name, plain.model, altered,
        (is_random ? "seed:" + std::to_string(transform.seed) + "|" : "") + found.signature);
    found.sums.add_rise(rise.name, groups, plain.model, altered);
  }
}

/// The judge of --nli; null without it.
/// Throws   DataError when nobody in the split has a persona to judge by
std::unique_ptr<models::ConsistencyJudge> judge_of(const Request& request,
                                                   const data::Split& split) {
  auto judge = request.nli.load(request.model);
  std::uint64_t dialogue = 0;
  while (dialogue < split.dialogues() && split.dialogue(dialogue).facts == 0) ++dialogue;
  if (judge && dialogue == split.dialogues())
    throw base::DataError("split \"" + split.name() +
                          "\" has no persona sentence that --nli could judge replies by; leave it "
                          "out, or name a store that has some with --store");
  return judge;
}

/// How the model tells entailed from contradicted hypotheses of a store of pairs.
void measure_pairs(const Request& request, const models::LoadedModel& loaded,
                   const data::Store& replies, Findings& found) {
  if (!request.choice.pairs || !request.pairs) return;
  const auto folder = request.pairs->empty() ? replies.folder().string() : *request.pairs;
  const auto store = open_store(folder, models::RunName::parse(request.model.run).run,
                                loaded.tokenizer, loaded.checkpoint, "--pairs");
  const auto& split = store.split(request.pairs_split);
  const auto likelihoods = score_pairs(*loaded.model, split, loaded.batch,
                                       models::device_of(*loaded.model), request.quiet);
  if (!request.pairs_file.empty()) write_pair_likelihoods(request.pairs_file, likelihoods);
  const auto* premise = loaded.batch.persona == "none" ? "unread" : "persona";
  found.pairs.emplace(likelihoods, store.folder().string(), split.name(), store.corpus_hash(),
                      signature_of(loaded, store, split) + "|premise:" + premise +
                          "|turns:none|shuffled:" + std::to_string(kPremiseSeed));
}

Findings evaluate_all(const Request& request, const models::LoadedModel& loaded,
                      const data::Store& store) {
  check_reply_by(loaded.batch.reply_by, store);
  const auto& split = store.split(request.split);
  const auto judge = judge_of(request, split);
  Findings found;
  const auto base = signature_of(loaded, store, split) + replies_of(loaded, store);
  measure_ranking(request, loaded, split, base, found);  // first: a split may have no candidates
  measure_pairs(request, loaded, store, found);          // or no pairs
  std::optional<NgramBaseline> baseline;
  if (store.has_split("train"))
    baseline.emplace(store.split("train"), data::ReplyRule(loaded.batch.reply_by, store.format()),
                     loaded.tokenizer.special(), loaded.tokenizer.vocab_size());
  const auto sums = evaluate(*loaded.model, split, loaded.batch, baseline ? &*baseline : nullptr,
                             models::device_of(*loaded.model), request.quiet);
  if (!request.likelihoods_file.empty()) write_likelihoods(request.likelihoods_file, sums.replies);

  found.run = name_of(request, loaded.checkpoint);
  found.store = store.folder().string();
  found.split = split.name();
  found.all = total(sums.model);
  found.dialogues = numbers_of(sums.replies, &ReplyLikelihood::dialogue).size();
  found.groups = sums.model.size();
  found.baseline_labels = baseline ? baseline->labels() : 0;
  found.signature =
      base + "|replies:" + std::to_string(static_cast<std::uint64_t>(found.all.replies)) +
      "|words:whitespace|interval:bootstrap-group-1000-12345|version:banter-" + BANTER_VERSION;
  if (const auto fits = fits_of(request.choice, found.all); !fits.empty()) {
    found.rows.emplace_back(loaded.type, sums.model, fits);
    if (baseline) {
      found.rows.emplace_back("bigram", sums.bigram, fits);
      found.rows.emplace_back("unigram", sums.unigram, fits);
    }
  }
  const auto& fits = request.choice.fits;
  if (const auto ppl = std::ranges::find(fits, "ppl", &LikelihoodMetric::name); ppl != fits.end())
    for (const auto& [name, groups] : sums.further)
      found.further.emplace_back(name, groups, std::vector{*ppl});
  if (request.choice.by_turn) found.by_turn = sums.by_turn.fits();
  measure_rises(request, loaded, split, sums, found);
  if (!request.sums_file.empty()) found.sums.write(request.sums_file);
  measure_texts(request, loaded, split, judge.get(), found);
  return found;
}

/// Throws   UsageError when a metric of vectors is named and there are none
void check_vectors(const Request& request) {
  if (!request.choice.needs_vectors || !request.vectors.empty()) return;
  const auto metric = std::ranges::find(request.choice.texts, Need::kVectors, &Metric::need);
  throw base::UsageError("banter evaluate: " + std::string((*metric)->name) +
                         " needs --vectors; `banter vectors` makes some of a store");
}

/// Throws   UsageError when replies are to be judged and no classifier is given, or it would be
///          loaded in vain
void check_judge(const Request& request) {
  if (request.nli.run.empty()) {
    (void)models::reranker_named(request.decoding.rerank);
    if (request.choice.needs_judgements)
      throw base::UsageError(
          "banter evaluate: c_score, entailed_replies and contradicted_replies need --nli, the run "
          "of a classifier of sentence pairs");
  } else if (request.replies == 0) {
    throw base::UsageError("banter evaluate: --nli judges replies; it needs --replies above 0");
  }
}

/// Throws   UsageError when metrics of pairs are asked for and there are none, or the reverse
void check_pairs(const Request& request, const CLI::App& app) {
  if (request.pairs && !request.choice.pairs)
    throw base::UsageError(
        "banter evaluate: --pairs is read for the metrics `pairs`, which are not among --metrics; "
        "name them, or leave --pairs out");
  if (!request.pairs && request.choice.needs_pairs)
    throw base::UsageError(
        "banter evaluate: pairs needs --pairs STORE, a store of sentence pairs (`banter prepare` "
        "makes one of Dialogue NLI, MNLI and the like)");
  for (const auto* option : {"--pairs-split", "--write-pairs"})
    if (!request.pairs && app.count(option) > 0)
      throw base::UsageError(std::string("banter evaluate: ") + option + " needs --pairs STORE");
}

/// What would be found out after the whole split was scored.
/// Throws   FileError when a file cannot be written where it is named; what WordVectors::check does
void check_files(const Request& request) {
  for (const auto& file :
       {request.replies_file, request.likelihoods_file, request.sums_file, request.pairs_file}) {
    const auto folder = std::filesystem::path(file).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder))
      throw base::FileError(file + ": cannot be written: there is no folder " + folder.string());
  }
  if (!request.vectors.empty()) WordVectors::check(request.vectors);
}

/// Throws   UsageError when an option was given that means nothing for a classifier
void refuse_options_of_replies(const CLI::App& app) {
  for (const auto* option :
       {"--metrics", "--replies", "--write-replies", "--write-likelihoods", "--set", "--vectors",
        "--tokenize", "--rank-score", "--nli", "--pairs", "--pairs-split", "--write-pairs"})
    if (app.count(option) > 0)
      throw base::UsageError(std::string("banter evaluate: ") + option +
                             " is of replies, and this run is a classifier of sentence pairs; of "
                             "it accuracy and loss are given without asking");
}

/// The same command for a run that classifies sentence pairs.
void evaluate_classifier(const Request& request, bool as_json) {
  const auto loaded = request.model.load_classifier();
  const auto store = open_store(request.store, models::RunName::parse(request.model.run).run,
                                loaded.tokenizer, loaded.checkpoint);
  const auto& split = store.split(request.split);
  const auto* train = store.has_split("train") ? &store.split("train") : nullptr;
  const auto evaluation =
      evaluate_pairs(*loaded.model, split, train, loaded.batch,
                     loaded.model->parameters().front().device(), request.quiet);
  if (!request.sums_file.empty()) {
    DialogueSums sums;
    for (std::size_t p = 0; p < evaluation.pairs.size(); ++p)
      sums.add_pair(evaluation.pairs[p].group, evaluation.systems.front().fits[p]);
    sums.write(request.sums_file);
  }
  const PairReportHead head{.run = name_of(request, loaded.checkpoint),
                            .store = store.folder().string(),
                            .split = split.name(),
                            .signature = signature_of(loaded, store, split) +
                                         "|pairs:" + std::to_string(evaluation.pairs.size()) +
                                         "|interval:bootstrap-group-1000-12345|version:banter-" +
                                         BANTER_VERSION};
  if (as_json)
    std::cout << base::pretty_json(to_json(head, evaluation));
  else
    print(std::cout, head, evaluation);
}

}  // namespace

int run_evaluate(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter evaluate",
                            "How well a trained model fits the replies of a store, beside n-grams; "
                            "a classifier the labels of its pairs, beside a bag of words.",
                            "banter evaluate runs/ubuntu\n"
                            "banter evaluate runs/ubuntu@last --split valid --json\n"
                            "banter evaluate runs/nli --split valid\n"
                            "banter evaluate runs/convai2 --metrics ppl,hits_1,hits_5\n"
                            "banter evaluate runs/ubuntu --metrics ppl_turn,perturb\n"
                            "banter evaluate runs/ubuntu --metrics embed --vectors ubuntu.vec\n"
                            "banter evaluate runs/convai2 --metrics c_score --nli runs/nli\n"
                            "banter evaluate runs/persona --metrics ppl,pairs --pairs stores/dnli\n"
                            "banter evaluate runs/chinese --metrics bleu,f1,distinct "
                            "--tokenize char\n"
                            "banter evaluate runs/ubuntu --set decoding.method=beam "
                            "--write-replies replies.jsonl");
  Request request;
  std::vector<std::string> metrics;
  std::string rank_score = kRankScores.front(), tokenize = kTokenizers.front();
  request.model.add_to(line.app);
  line.app.add_option("--split", request.split, "part of the store")->capture_default_str();
  line.app.add_option("--store", request.store, "store, if not the one that the run names");
  line.app.add_option("--pairs", request.pairs,
                      "store of sentence pairs: how much better entailed hypotheses fit than "
                      "contradicted ones, with the premise as persona; \"\" = that of the replies");
  line.app.add_option("--pairs-split", request.pairs_split, "part of that store")
      ->capture_default_str();
  line.app.add_option("--write-pairs", request.pairs_file,
                      "write how the model fits each of the pairs to this file (JSON Lines)");
  line.app
      .add_option(
          "--metrics", metrics,
          "names with commas between; by default `usual`: all but hits (hits_K, K = 1, 2, "
          "...: the true reply among candidates) and perturb (contexts altered), which cost "
          "more, and pairs where --pairs names some")
      ->delimiter(',');
  line.app
      .add_option("--replies", request.replies,
                  "contexts that are answered for the metrics of texts; 0 = none")
      ->capture_default_str();
  line.app.add_option("--write-replies", request.replies_file,
                      "write those replies with references and contexts to this file (JSON Lines, "
                      "as `banter metrics` reads them)");
  line.app.add_option("--write-likelihoods", request.likelihoods_file,
                      "write how the model fits each reply of the split to this file (JSON Lines)");
  line.app.add_option(
      "--write-sums", request.sums_file,
      "write the sums of hits and perturb of each dialogue, or a classifier's of each "
      "group of pairs, to this file (JSON Lines), from which tests are made");
  line.app
      .add_option("--set", line.common.overrides,
                  "decoding.KEY=VALUE: answer so instead of greedily; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  line.app.add_option("--vectors", request.vectors,
                      "word vectors as text, for embed; `banter vectors` makes some");
  request.nli.add_to(
      line.app,
      "classifier that judges replies by the persona's sentences, for c_score, "
      "entailed_replies, contradicted_replies and --set decoding.rerank=consistency");
  line.app
      .add_option("--tokenize", tokenize,
                  "words of the metrics of texts; char: characters, for texts without spaces")
      ->check(CLI::IsMember(std::vector<std::string>(kTokenizers.begin(), kTokenizers.end())))
      ->capture_default_str();
  line.app
      .add_option("--rank-score", rank_score,
                  "of hits: candidates by their log-probability, as mean a token or as sum")
      ->check(CLI::IsMember(std::vector<std::string>(kRankScores.begin(), kRankScores.end())))
      ->capture_default_str();
  line.with_json();
  if (!line.parse(arguments)) return 0;
  request.quiet = line.common.quiet;
  request.decoding = decoding_of(line.common.overrides);
  request.tokenize = tokenize_named(tokenize);
  if (request.replies == 0 && !request.replies_file.empty())
    throw base::UsageError("banter evaluate: --write-replies needs --replies above 0");
  request.rank_score =
      static_cast<RankScore>(std::ranges::find(kRankScores, rank_score) - kRankScores.begin());
  if (!metrics.empty()) {
    request.choice = EvaluationChoice::named(metrics);
    check_vectors(request);
  }
  check_judge(request);
  if (!request.sums_file.empty() && request.choice.hits.empty() &&
      request.choice.perturbations.empty() && !models::is_classifier_run(request.model.run))
    throw base::UsageError("banter evaluate: --write-sums needs hits or perturb among --metrics");
  check_pairs(request, line.app);
  check_files(request);

  if (models::is_classifier_run(request.model.run)) {
    refuse_options_of_replies(line.app);
    evaluate_classifier(request, line.common.json);
    return 0;
  }
  const auto loaded = request.model.load();
  const auto store = open_store(request.store, models::RunName::parse(request.model.run).run,
                                loaded.tokenizer, loaded.checkpoint);
  const auto found = evaluate_all(request, loaded, store);
  if (line.common.json)
    std::cout << base::pretty_json(to_json(found));
  else
    print(std::cout, found);
  return 0;
}

}  // namespace banter::train
