#include <array>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <optional>
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

namespace banter::train {
namespace {

namespace json = base::json;

struct Metric {
  const char* name;
  double (Likelihood::*value)() const;
  double Likelihood::*count;  ///< what it is a mean over
  int digits;                 ///< behind the point, in the table
};

constexpr std::array kMetrics = {
    Metric{"ppl", &Likelihood::ppl, &Likelihood::labels, 2},
    Metric{"ppl_word", &Likelihood::ppl_word, &Likelihood::words, 2},
    Metric{"nll_word", &Likelihood::nll_word, &Likelihood::words, 3},
    Metric{"bpb", &Likelihood::bpb, &Likelihood::bytes, 3},
    Metric{"token_accuracy", &Likelihood::token_accuracy, &Likelihood::labels, 4},
};

json::value number_or_null(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

std::string fixed(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

std::string bounds(const Interval& interval, int digits) {
  return " [" + fixed(interval.low, digits) + ", " + fixed(interval.high, digits) + "]";
}

/// One system's row: every metric with its interval.
struct Row {
  std::string name;
  Likelihood sums;
  std::vector<Interval> intervals;  ///< of kMetrics

  Row(std::string row_name, std::span<const Likelihood> groups)
      : name(std::move(row_name)), sums(total(groups)) {
    const auto draws = resample(groups);
    for (const auto& metric : kMetrics) {
      std::vector<double> values;
      for (const auto& draw : draws) values.push_back((draw.*metric.value)());
      intervals.push_back(percentile_interval(std::move(values)));
    }
  }
  [[nodiscard]] json::object to_json() const {
    json::object object;
    for (std::size_t i = 0; i < kMetrics.size(); ++i)
      object[kMetrics[i].name] = {{"value", number_or_null((sums.*kMetrics[i].value)())},
                                  {"low", number_or_null(intervals[i].low)},
                                  {"high", number_or_null(intervals[i].high)},
                                  {"count", sums.*kMetrics[i].count}};
    return object;
  }
  [[nodiscard]] std::vector<std::string> cells() const {
    std::vector<std::string> cells = {name};
    for (std::size_t i = 0; i < kMetrics.size(); ++i)
      cells.push_back(fixed((sums.*kMetrics[i].value)(), kMetrics[i].digits) +
                      bounds(intervals[i], kMetrics[i].digits));
    return cells;
  }
};

/// distinct-n of a set of replies.
struct DistinctRow {
  std::string name;
  std::array<Distinct, 2> distinct = {Distinct(1), Distinct(2)};
  std::array<std::optional<Interval>, 2> intervals;

  DistinctRow(std::string row_name, std::span<const std::string> replies,
              std::span<const std::uint64_t> dialogues)
      : name(std::move(row_name)) {
    for (const auto& reply : replies)
      for (auto& d : distinct) d.add(reply);
    for (std::size_t n = 1; n <= distinct.size(); ++n)
      intervals[n - 1] = distinct_interval(replies, dialogues, n);
  }
  [[nodiscard]] json::object to_json() const {
    json::object object;
    for (std::size_t i = 0; i < distinct.size(); ++i) {
      json::object figures = {{"value", distinct[i].value()},
                              {"low", nullptr},
                              {"high", nullptr},
                              {"different", distinct[i].different()},
                              {"count", distinct[i].all()}};
      if (intervals[i]) {
        figures["low"] = intervals[i]->low;
        figures["high"] = intervals[i]->high;
      }
      object["distinct_" + std::to_string(i + 1)] = std::move(figures);
    }
    return object;
  }
  [[nodiscard]] std::vector<std::string> cells() const {
    std::vector<std::string> cells = {name};
    for (std::size_t i = 0; i < distinct.size(); ++i)
      cells.push_back(
          fixed(distinct[i].value(), 4) + (intervals[i] ? bounds(*intervals[i], 4) : "") + " = " +
          std::to_string(distinct[i].different()) + "/" + std::to_string(distinct[i].all()));
    return cells;
  }
};

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    std::cout << line << "\n";
  }
  std::cout << "\n";
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
      "banter evaluate runs/ubuntu\nbanter evaluate runs/ubuntu@last --split valid --json");
  std::string split_name = "valid", store_folder;
  std::uint64_t answers = 200;
  models::ModelArguments model;
  model.add_to(line.app);
  line.app.add_option("--split", split_name, "part of the store")->capture_default_str();
  line.app.add_option("--store", store_folder, "store, if not the one that the run names");
  line.app
      .add_option("--replies", answers,
                  "contexts that are answered greedily for distinct-n; 0 = none")
      ->capture_default_str();
  line.with_json();
  if (!line.parse(arguments)) return 0;

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
  std::vector<Row> rows = {Row(loaded.type, sums.model)};
  if (baseline) {
    rows.emplace_back("bigram", sums.bigram);
    rows.emplace_back("unigram", sums.unigram);
  }
  std::vector<DistinctRow> distinct;
  if (answers > 0) {
    const auto answered = answer_greedily(*loaded.model, loaded.tokenizer, split, loaded.batch,
                                          answers, line.common.quiet);
    distinct.emplace_back("greedy", answered.replies, answered.dialogues);
    distinct.emplace_back("reference", answered.references, answered.dialogues);
    answers = answered.replies.size();
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
            << "|words:whitespace|interval:bootstrap-dialogue-1000-12345"
            << "|distinct:ascii-lower,n=" << answers << ",jackknife-20|version:banter-"
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
    for (const auto& row : distinct) answer[row.name] = row.to_json();
    std::cout << base::pretty_json(answer);
    return 0;
  }
  std::cout << name << " on " << split.name() << " of " << store.folder().string() << ": "
            << whole(all.replies) << " replies of " << sums.model.size() << " dialogues, "
            << whole(all.labels) << " labels, " << whole(all.words) << " words, "
            << whole(all.bytes) << " bytes\n\n";
  std::vector<std::vector<std::string>> table = {{""}};
  for (const auto& metric : kMetrics) table[0].emplace_back(metric.name);
  for (const auto& row : rows) table.push_back(row.cells());
  print_table(table);
  if (!distinct.empty()) {
    table = {{"of " + std::to_string(answers) + " replies", "distinct_1", "distinct_2"}};
    for (const auto& row : distinct) table.push_back(row.cells());
    print_table(table);
  }
  std::cout << "[95 % intervals over dialogues]  " << signature.str() << "\n";
  return 0;
}

}  // namespace banter::train
