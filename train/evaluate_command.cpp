#include <array>
#include <iostream>
#include <optional>
#include <span>
#include <sstream>

#include "base/errors.h"
#include "base/json.h"
#include "base/signals.h"
#include "configs/command_line.h"
#include "configs/section.h"
#include "data/store/store.h"
#include "models/commands/model_arguments.h"
#include "models/decoding/composed.h"
#include "train/commands.h"
#include "train/evaluate.h"
#include "train/metrics/interval.h"
#include "train/metrics/sample_files.h"
#include "train/metrics/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// A metric made of likelihoods.
struct Fit {
  const char* name;
  double (Likelihood::*value)() const;
  double Likelihood::*count;  ///< what it is a mean over
  int digits;                 ///< behind the point, in the table
};

constexpr std::array kFits = {
    Fit{"ppl", &Likelihood::ppl, &Likelihood::labels, 2},
    Fit{"ppl_word", &Likelihood::ppl_word, &Likelihood::words, 2},
    Fit{"nll_word", &Likelihood::nll_word, &Likelihood::words, 3},
    Fit{"bpb", &Likelihood::bpb, &Likelihood::bytes, 3},
    Fit{"token_accuracy", &Likelihood::token_accuracy, &Likelihood::labels, 4},
    Fit{"ppl_bound", &Likelihood::ppl_bound, &Likelihood::labels, 2},
};

/// The metrics of a table: the bound, which stands last, only where there is one.
std::span<const Fit> fits_for(const Likelihood& model) {
  return std::span(kFits).first(kFits.size() - (model.bound == 0 ? 1 : 0));
}

/// One system's row: every metric with its interval.
struct Row {
  std::string name;
  Likelihood sums;
  std::span<const Fit> fits;
  std::vector<Interval> intervals;  ///< of `fits`

  Row(std::string row_name, std::span<const Likelihood> groups, std::span<const Fit> columns)
      : name(std::move(row_name)), sums(total(groups)), fits(columns) {
    const auto draws = resample(groups);
    for (const auto& metric : fits) {
      std::vector<double> values;
      for (const auto& draw : draws) values.push_back((draw.*metric.value)());
      intervals.push_back(interval_over(groups.size(), std::move(values)));
    }
  }
  [[nodiscard]] json::object to_json() const {
    json::object object;
    for (std::size_t i = 0; i < fits.size(); ++i)
      object[fits[i].name] = {{"value", number_or_null((sums.*fits[i].value)())},
                              {"low", number_or_null(intervals[i].low)},
                              {"high", number_or_null(intervals[i].high)},
                              {"count", sums.*fits[i].count}};
    return object;
  }
  [[nodiscard]] std::vector<std::string> cells() const {
    std::vector<std::string> cells = {name};
    for (std::size_t i = 0; i < fits.size(); ++i)
      cells.push_back(fixed((sums.*fits[i].value)(), fits[i].digits) + " " +
                      bounds(intervals[i], fits[i].digits));
    return cells;
  }
};

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

/// The metrics of texts, of the model's replies or of the references in their place.
struct TextScores {
  std::string name;
  std::vector<Score> scores;

  TextScores(std::string system, const std::vector<Sample>& samples) : name(std::move(system)) {
    std::vector<const Metric*> metrics;
    for (const auto& metric : known_metrics()) metrics.push_back(&metric);
    scores = score(samples, {}, possible_metrics(metrics, samples, false), {}, {});
  }
  [[nodiscard]] json::object to_json() const {
    json::object object;
    for (const auto& score : scores) object[std::string(score.metric->name)] = score.to_json();
    return object;
  }
};

/// The references as if they were replies: how varied people are, and how often they copy.
std::vector<Sample> references_as_replies(std::vector<Sample> samples) {
  for (auto& sample : samples) {
    sample.reply = std::move(sample.references.at(0));
    sample.references.clear();
  }
  return samples;
}

/// The store that a run learned from: --store, else what its recipe says.
data::Store open_store(const std::string& given, const models::LoadedModel& loaded,
                       const std::filesystem::path& run) {
  auto folder = given;
  if (folder.empty()) {
    const auto config = configs::Config::load(run / "config.yaml");
    folder = config.root().get<std::string>("store", "");
    if (folder.empty())
      throw base::UsageError((run / "config.yaml").string() +
                             ": names no store; give one with --store");
  }
  auto store = data::Store::open(folder);
  store.verify();
  if (store.tokenizer().hash() != loaded.tokenizer.hash())
    throw base::DataError(folder + ": its tokenizer (" + store.tokenizer().hash().substr(0, 12) +
                          ") is not the one that " + loaded.checkpoint.folder.string() +
                          " was trained with (" + loaded.tokenizer.hash().substr(0, 12) +
                          "); give the store of that training with --store");
  return store;
}

}  // namespace

int run_evaluate(const std::vector<std::string>& arguments) {
  configs::CommandLine line(
      "banter evaluate", "How well a trained model fits the replies of a store, beside n-grams.",
      "banter evaluate runs/ubuntu\nbanter evaluate runs/ubuntu@last --split valid --json\n"
      "banter evaluate runs/ubuntu --set decoding.method=beam --write-replies replies.jsonl");
  std::string split_name = "valid", store_folder, replies_file, likelihoods_file;
  std::uint64_t answers = 200;
  models::ModelArguments model;
  model.add_to(line.app);
  line.app.add_option("--split", split_name, "part of the store")->capture_default_str();
  line.app.add_option("--store", store_folder, "store, if not the one that the run names");
  line.app
      .add_option("--replies", answers,
                  "contexts that are answered for the metrics of texts; 0 = none")
      ->capture_default_str();
  line.app.add_option("--write-replies", replies_file,
                      "write those replies with references and contexts to this file (JSON Lines, "
                      "as `banter metrics` reads them)");
  line.app.add_option("--write-likelihoods", likelihoods_file,
                      "write how the model fits each reply of the split to this file (JSON Lines)");
  line.app
      .add_option("--set", line.common.overrides,
                  "decoding.KEY=VALUE: answer so instead of greedily; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  line.with_json();
  if (!line.parse(arguments)) return 0;
  const auto decoding = decoding_of(line.common.overrides);
  if (answers == 0 && !replies_file.empty())
    throw base::UsageError("banter evaluate: --write-replies needs --replies above 0");

  const auto loaded = model.load();
  const auto run = models::RunName::parse(model.run).run;
  const auto store = open_store(store_folder, loaded, run);
  const auto& split = store.split(split_name);
  std::optional<NgramBaseline> baseline;
  if (store.has_split("train"))
    baseline.emplace(store.split("train"), data::ReplyRule(loaded.batch.reply_by, store.format()),
                     loaded.tokenizer.special(), loaded.tokenizer.vocab_size());

  const auto sums = evaluate(*loaded.model, split, loaded.batch, baseline ? &*baseline : nullptr,
                             models::device_of(*loaded.model), line.common.quiet);
  if (!likelihoods_file.empty()) write_likelihoods(likelihoods_file, sums.replies);
  const auto fits = fits_for(total(sums.model));
  std::vector<Row> rows = {Row(loaded.type, sums.model, fits)};
  if (baseline) {
    rows.emplace_back("bigram", sums.bigram, fits);
    rows.emplace_back("unigram", sums.unigram, fits);
  }
  std::vector<TextScores> texts;
  if (answers > 0) {
    const auto answered = answer(*loaded.model, loaded.tokenizer, split, loaded.batch, decoding,
                                 answers, line.common.quiet);
    if (!replies_file.empty()) write_samples(replies_file, answered);
    texts.emplace_back(decoding.method, answered);
    texts.emplace_back("reference", references_as_replies(answered));
    answers = answered.size();
  }

  const auto& all = rows[0].sums;
  const auto whole = [](double count) { return static_cast<std::uint64_t>(count); };
  const auto name = run.string() + "@step-" + std::to_string(loaded.checkpoint.step) +
                    (loaded.checkpoint.use_ema ? " (ema)" : "");
  const auto reply_by = loaded.batch.reply_by == "auto"
                            ? std::string(data::usual_replies(store.format()))
                            : loaded.batch.reply_by;
  std::ostringstream signature;
  signature << "checkpoint:" << loaded.checkpoint.hash.substr(0, 12)
            << "|tokenizer:" << loaded.tokenizer.hash().substr(0, 12)
            << "|data:" << store.corpus_hash().substr(0, 12) << "|split:" << split.name()
            << "|reply_by:" << reply_by << "|replies:" << whole(all.replies)
            << "|words:whitespace|interval:bootstrap-dialogue-1000-12345|version:banter-"
            << BANTER_VERSION;

  if (line.common.json) {
    json::object answer = {{"run", name},
                           {"store", store.folder().string()},
                           {"signature", signature.str()},
                           {"counts",
                            {{"dialogues", sums.model.size()},
                             {"replies", whole(all.replies)},
                             {"labels", whole(all.labels)},
                             {"words", whole(all.words)},
                             {"bytes", whole(all.bytes)},
                             {"baseline_labels", baseline ? baseline->labels() : 0}}},
                           {"model", rows[0].to_json()}};
    for (std::size_t i = 1; i < rows.size(); ++i) answer[rows[i].name] = rows[i].to_json();
    for (const auto& one : texts) answer[one.name] = one.to_json();
    std::cout << base::pretty_json(answer);
    return 0;
  }
  std::cout << name << " on " << split.name() << " of " << store.folder().string() << ": "
            << whole(all.replies) << " replies of " << sums.model.size() << " dialogues, "
            << whole(all.labels) << " labels, " << whole(all.words) << " words, "
            << whole(all.bytes) << " bytes\n\n";
  std::vector<std::vector<std::string>> table = {{""}};
  for (const auto& metric : fits) table[0].emplace_back(metric.name);
  for (const auto& row : rows) table.push_back(row.cells());
  print_table(std::cout, table);
  std::cout << "[95 % intervals over dialogues]  " << signature.str() << "\n";
  for (const auto& one : texts) {
    std::cout << "\n" << one.name << ", " << answers << " replies\n";
    print_scores(std::cout, one.scores);
  }
  return 0;
}

}  // namespace banter::train
