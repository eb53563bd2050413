#include "train/experiment/summary.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "base/errors.h"
#include "train/experiment/grid.h"
#include "train/metrics/likelihoods/likelihood_measurement.h"
#include "train/metrics/pairs/pair_metrics.h"
#include "train/metrics/pairs/pair_scores.h"
#include "train/metrics/statistics/comparison.h"
#include "train/metrics/statistics/holm.h"
#include "train/metrics/texts/measure.h"
#include "train/metrics/texts/scores.h"
#include "train/metrics/texts/used_vectors.h"

namespace banter::train {
namespace {

namespace json = base::json;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Where a column's values come from.
enum class Source { kLikelihoods, kTexts, kAnswer, kPairs };

struct Place {
  Source source = Source::kAnswer;
  std::size_t index = 0;    ///< among the metrics of that source
  std::size_t reading = 0;  ///< of pairs: among `Metrics::pairs`
};

/// Metrics of pairs by one likelihood; "" = the model's own.
struct PairReading {
  std::string name;
  std::vector<const Metric*> metrics{};
};

/// The metrics of a report by where they come from.
struct Metrics {
  std::vector<const Metric*> likelihoods, texts;
  std::vector<std::string> answers;
  std::vector<PairReading> pairs;
  std::vector<Place> places;  ///< of the columns
};

const Metric* find_metric(std::span<const Metric> metrics, const std::string& name) {
  const auto found = std::ranges::find(metrics, std::string_view(name), &Metric::name);
  return found == metrics.end() ? nullptr : &*found;
}

Place place_pair_metric(const PairColumn& column, std::vector<PairReading>& readings) {
  auto found = std::ranges::find(readings, column.reading, &PairReading::name);
  if (found == readings.end()) found = readings.insert(found, {.name = column.reading});
  found->metrics.push_back(column.metric);
  return {.source = Source::kPairs,
          .index = found->metrics.size() - 1,
          .reading = static_cast<std::size_t>(found - readings.begin())};
}

Metrics place_metrics(const std::vector<std::string>& names, std::vector<Column>& columns) {
  Metrics metrics;
  for (const auto& name : names) {
    if (const auto pair = pair_column(name); pair.metric != nullptr) {
      columns.push_back(
          {.name = name, .what = std::string(pair.metric->what), .digits = pair.metric->digits});
      metrics.places.push_back(place_pair_metric(pair, metrics.pairs));
      continue;
    }
    const auto* metric = find_metric(metrics_of_likelihoods(), name);
    auto* found = metric != nullptr ? &metrics.likelihoods : nullptr;
    if (metric == nullptr) {
      metric = find_metric(known_metrics(), name);
      found = metric != nullptr ? &metrics.texts : nullptr;
    }
    if (found == nullptr) {
      columns.push_back({.name = name, .what = "as `banter evaluate` gives it"});
      metrics.places.push_back({.source = Source::kAnswer, .index = metrics.answers.size()});
      metrics.answers.push_back(name);
      continue;
    }
    columns.push_back({.name = name, .what = std::string(metric->what), .digits = metric->digits});
    metrics.places.push_back(
        {.source = found == &metrics.likelihoods ? Source::kLikelihoods : Source::kTexts,
         .index = found->size()});
    found->push_back(metric);
  }
  return metrics;
}

/// The vectors of all words of all runs' replies and references; nothing where no file is named.
std::optional<UsedVectors> read_vectors(const std::string& file,
                                        const std::vector<CellResult>& runs) {
  if (file.empty()) return std::nullopt;
  std::vector<std::span<const Sample>> systems;
  systems.reserve(runs.size());
  for (const auto& run : runs) systems.emplace_back(run.samples);
  return UsedVectors(file, systems);
}

/// A finished run in numbers.
struct MeasuredRun {
  const CellResult* result = nullptr;
  Measurement likelihoods, texts, answers;
  std::vector<Measurement> pairs;  ///< by `Metrics::pairs`; without groups where it has no such
  std::string data;                ///< hash of what its texts are compared with
  std::string pair_data;           ///< hash of its pairs; "" without
  std::vector<RunValue> values;    ///< of the columns
};

/// A metric in a part of what `banter evaluate` said: the hits in `ranking`, the rises in
/// `perturb`, a classifier's in `model`.
const json::object& answer_metric(const CellResult& result, const std::string& name) {
  const auto where = result.cell->folder.string() + ", evaluation";
  const auto* part = name.starts_with("hits_") ? "ranking"
                     : is_of_classifier(name)  ? "model"
                                               : "perturb";
  const auto& object = base::as_object(base::field(result.measured, part, where), where);
  return base::as_object(base::field(object, name, where), where);
}

/// A text in an answer; "" where there is none.
std::string text_in(const json::object& object, const char* key) {
  const auto* found = object.if_contains(key);
  return found == nullptr || !found->is_string() ? "" : std::string(found->get_string());
}

RunValue answer_value(const CellResult& result, const std::string& name) {
  const auto& metric = answer_metric(result, name);
  const auto number = [&](const char* key) {
    const auto* found = metric.if_contains(key);
    return found != nullptr && found->is_number() ? found->to_number<double>() : kNone;
  };
  RunValue run{.seed = result.cell->seed,
               .value = number("value"),
               .test_set = std::nullopt,
               .signature = text_in(metric, "signature")};
  if (is_of_classifier(name)) run.signature = name + "|" + text_in(result.measured, "signature");
  if (std::isfinite(number("low")))
    run.test_set = Interval{.low = number("low"), .high = number("high")};
  return run;
}

/// The place of a likelihood among those of a run's pairs.
std::optional<std::size_t> reading_of(const CellResult& result, const std::string& name) {
  const auto& known = result.pairs.readings;
  const auto found = name.empty() ? known.begin() : std::ranges::find(known, name);
  if (found == known.end()) return std::nullopt;
  return static_cast<std::size_t>(found - known.begin());
}

Measurement measured_pairs(const CellResult& result, const PairReading& reading) {
  const auto number = reading_of(result, reading.name);
  return number ? measure_pairs(result.pairs, *number, reading.metrics)
                : measure_pairs({}, 0, reading.metrics);
}

/// A text in what `banter evaluate` said of the pairs; "" where there is none.
std::string text_of_pairs(const CellResult& result, const char* key) {
  const auto* found = result.measured.if_contains("pairs");
  return found == nullptr || !found->is_object() ? "" : text_in(found->get_object(), key);
}

std::string signature_of_pairs(const CellResult& result, const Metric& metric,
                               const std::string& reading) {
  const auto number = reading_of(result, reading);
  const auto how = text_of_pairs(result, "signature");
  if (!number || how.empty()) return "";
  return pair_signature(metric, result.pairs.readings[*number], how);
}

/// Measures runs one after the other, by one vocabulary so that they can be compared.
class Measurer {
 public:
  Measurer(const Metrics& metrics, const std::vector<Column>& columns, MetricSettings settings)
      : metrics_(metrics), columns_(columns), settings_(settings) {}

  MeasuredRun operator()(const CellResult& result) {
    MeasuredRun run;
    run.result = &result;
    run.likelihoods = measure_likelihoods(by_group(result.likelihoods), metrics_.likelihoods);
    run.texts = measure(result.samples, metrics_.texts, settings_, vocabulary_);
    run.answers = result.sums.measurement(metrics_.answers);
    for (const auto& reading : metrics_.pairs) run.pairs.push_back(measured_pairs(result, reading));
    run.data = hash_of_data(result.samples);
    run.pair_data = text_of_pairs(result, "data");
    const auto likelihoods = values_of(run.likelihoods, result),
               texts = values_of(run.texts, result);
    std::vector<std::vector<RunValue>> pairs;
    for (const auto& measured : run.pairs) pairs.push_back(values_of(measured, result));
    const auto signature_of_model = text_in(result.measured, "signature");
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto [source, index, reading] = metrics_.places[c];
      if (source == Source::kPairs) {
        auto& value = run.values.emplace_back(pairs[reading][index]);
        value.signature = signature_of_pairs(result, *metrics_.pairs[reading].metrics[index],
                                             metrics_.pairs[reading].name);
        continue;
      }
      if (source == Source::kAnswer) {
        run.values.push_back(answer_value(result, columns_[c].name));
        continue;
      }
      const bool is_text = source == Source::kTexts;
      auto& value = run.values.emplace_back((is_text ? texts : likelihoods)[index]);
      if (is_text && !result.samples.empty())
        value.signature = signature(*metrics_.texts[index], settings_, result.samples, run.data,
                                    kResampling.resamples, kResampling.seed);
      if (!is_text && !signature_of_model.empty())
        value.signature = columns_[c].name + "|" + signature_of_model;
    }
    return run;
  }

 private:
  static constexpr Resampling kResampling{};

  /// The value of each metric; none where nothing was measured.
  static std::vector<RunValue> values_of(const Measurement& measured, const CellResult& result) {
    const auto values = measured.values();
    const auto bounds = measured.intervals(kResampling.resamples, kResampling.seed);
    std::vector<RunValue> all;
    all.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool has_any = measured.groups > 0;
      all.push_back({.seed = result.cell->seed,
                     .value = has_any ? values[i] : kNone,
                     .test_set = has_any ? bounds[i] : std::nullopt,
                     .signature = ""});
    }
    return all;
  }

  const Metrics& metrics_;
  const std::vector<Column>& columns_;
  MetricSettings settings_;
  PieceVocabulary vocabulary_;
};

RowValues row_values(const std::vector<MeasuredRun>& runs, const std::string& row, std::size_t c) {
  RowValues values;
  std::vector<double> numbers;
  for (const auto& run : runs) {
    if (run.result->cell->row != row) continue;
    values.runs.push_back(run.values[c]);
    if (std::isfinite(run.values[c].value)) numbers.push_back(run.values[c].value);
  }
  values.spread = spread_of(numbers);
  return values;
}

/// Runs of a row and of the baseline with the same seeds, in pairs.
struct Pairs {
  std::vector<std::int64_t> seeds;
  std::vector<const MeasuredRun*> row, baseline;
  bool is_about_other_replies = false;  ///< some pair is, and was left out
};

bool are_same_replies(const MeasuredRun& a, const MeasuredRun& b,
                      const std::vector<std::string>& answers) {
  return are_same_replies(a.result->likelihoods, b.result->likelihoods) && a.data == b.data &&
         a.pair_data == b.pair_data && are_same_pairs(a.result->pairs, b.result->pairs) &&
         std::ranges::all_of(answers, [&](const std::string& metric) {
           return a.result->sums.is_comparable(b.result->sums, metric);
         });
}

Pairs pairs_of(const std::vector<MeasuredRun>& runs, const std::string& row,
               const std::string& baseline, const std::vector<std::string>& answers) {
  Pairs pairs;
  for (const auto& run : runs)
    for (const auto& other : runs) {
      if (run.result->cell->row != row || other.result->cell->row != baseline ||
          run.result->cell->seed != other.result->cell->seed)
        continue;
      if (!are_same_replies(run, other, answers)) {
        pairs.is_about_other_replies = true;
        continue;
      }
      pairs.seeds.push_back(run.result->cell->seed);
      pairs.row.push_back(&run);
      pairs.baseline.push_back(&other);
    }
  return pairs;
}

/// Tests of the metrics of a measurement; none where one of the runs has no such.
template <typename Of>
std::vector<Difference> tested(const Pairs& pairs, const Of& of, std::size_t trials) {
  std::vector<Measurement> first, second;
  for (const auto* run : pairs.row) first.push_back(std::invoke(of, *run));
  for (const auto* run : pairs.baseline) second.push_back(std::invoke(of, *run));
  const auto is_empty = [](const Measurement& one) {
    return one.metrics.empty() || one.groups == 0;
  };
  if (std::ranges::any_of(first, is_empty) || std::ranges::any_of(second, is_empty)) return {};
  return compare_runs(first, second, trials);
}

void add_differences(const std::string& row, const std::string& baseline, const Pairs& pairs,
                     const Metrics& metrics, std::size_t trials,
                     std::vector<RowDifference>& differences) {
  const auto likelihoods = tested(pairs, &MeasuredRun::likelihoods, trials);
  const auto texts = tested(pairs, &MeasuredRun::texts, trials);
  const auto answers = tested(pairs, &MeasuredRun::answers, trials);
  std::vector<std::vector<Difference>> by_reading;
  for (std::size_t r = 0; r < metrics.pairs.size(); ++r)
    by_reading.push_back(tested(
        pairs, [r](const MeasuredRun& run) { return run.pairs[r]; }, trials));
  for (std::size_t c = 0; c < metrics.places.size(); ++c) {
    const auto [source, index, reading] = metrics.places[c];
    const auto& tests = source == Source::kTexts    ? texts
                        : source == Source::kAnswer ? answers
                        : source == Source::kPairs  ? by_reading[reading]
                                                    : likelihoods;
    if (tests.empty()) continue;
    std::vector<double> by_seed;
    by_seed.reserve(pairs.row.size());
    for (std::size_t i = 0; i < pairs.row.size(); ++i)
      by_seed.push_back(pairs.row[i]->values[c].value - pairs.baseline[i]->values[c].value);
    if (!std::ranges::all_of(by_seed, [](double d) { return std::isfinite(d); })) continue;
    differences.push_back({.row = row,
                           .baseline = baseline,
                           .column = c,
                           .seeds = pairs.seeds,
                           .spread = spread_of(by_seed),
                           .p = tests[index].p,
                           .p_holm = 1});
  }
}

void add_differences(const std::vector<MeasuredRun>& runs, const ExperimentOptions& options,
                     const Metrics& metrics, Summary& summary) {
  if (options.baseline.empty()) return;
  for (const auto& row : options.rows) {
    const auto baseline = baseline_of(row, options.rows, options.baseline);
    if (!baseline) continue;
    const auto pairs = pairs_of(runs, row.name, *baseline, metrics.answers);
    if (pairs.is_about_other_replies)
      summary.notes.push_back(row.name + " was measured on other replies or pairs than " +
                              *baseline + ", so that they are not compared.");
    if (pairs.seeds.empty()) continue;
    add_differences(row.name, *baseline, pairs, metrics, static_cast<std::size_t>(options.trials),
                    summary.differences);
  }
  std::vector<double> p;
  p.reserve(summary.differences.size());
  for (const auto& difference : summary.differences) p.push_back(difference.p);
  const auto adjusted = holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) summary.differences[i].p_holm = adjusted[i];
}

/// Says where runs with one seed learned from different numbers of labels: orders differ by seed
/// and by what is learned from, and with them what is left over at the end.
void note_unequal_labels(const GridResults& results, std::vector<std::string>& notes) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::set<std::int64_t>> labels;
  for (const auto& run : results.finished) {
    const auto& amounts = run.facts.learned_from;  // a classifier's are pairs alone
    const auto* of = amounts.contains("replies") ? "replies" : "pairs";
    labels[{run.cell->seed, amounts.contains(of) ? amounts.at(of) : 0}].insert(run.facts.labels);
  }
  for (const auto& [of, numbers] : labels)
    if (numbers.size() > 1)
      notes.push_back("The runs with seed " + std::to_string(of.first) +
                      (of.second > 0 ? " on " + std::to_string(of.second) + " examples" : "") +
                      " learned from different numbers of labels (" +
                      std::to_string(*numbers.begin()) + " to " +
                      std::to_string(*numbers.rbegin()) + "): rows had unequal work.");
}

/// Says where the checkpoint of a run was chosen by what it is measured on.
void note_choice(const GridResults& results, const EvaluationOptions& evaluate,
                 std::vector<std::string>& notes) {
  const auto is_chosen_there = [&](const CellResult& run) {
    return run.cell->valid_split == evaluate.split;
  };
  if (evaluate.checkpoint == "best" && std::ranges::any_of(results.finished, is_chosen_there))
    notes.push_back("The best checkpoints were chosen on the split " + evaluate.split +
                    ", on which they are measured: on other dialogues all rows would probably be "
                    "a little worse.");
}

/// What the corpus's own replies reach by the classifier that judged those of the runs; nothing
/// where it judged none.
void note_references(const GridResults& results, const std::vector<Column>& columns,
                     std::vector<std::string>& notes) {
  for (const auto& column : columns) {
    const auto* metric = find_metric(known_metrics(), column.name);
    if (metric == nullptr || metric->need != Need::kJudgements || results.finished.empty())
      continue;
    const auto& run = results.finished.front();
    if (const auto value = reference_value(run.measured, "reference", column.name))
      notes.push_back("The corpus's own replies have " + column.name + " " +
                      fixed(*value, column.digits) + ", judged by the same classifier.");
  }
}

/// What must be said of how the runs came about.
void add_notes(const GridResults& results, const EvaluationOptions& evaluate,
               std::vector<std::string>& notes) {
  std::set<std::string> trained, measured;
  std::size_t by_clock = 0;
  for (const auto& run : results.finished) {
    trained.insert(run.version);
    measured.insert(run.measured_by);
    by_clock += run.facts.why == "minutes" ? 1 : 0;
  }
  if (!results.open.empty())
    notes.push_back(std::to_string(results.open.size()) + " of " +
                    std::to_string(results.open.size() + results.finished.size()) +
                    " runs are not finished: this is a part of the comparison.");
  note_unequal_labels(results, notes);
  if (by_clock > 0)
    notes.push_back(std::to_string(by_clock) +
                    " runs were stopped by the clock: they depend on the machine's speed.");
  if (trained.size() > 1)
    notes.emplace_back("The runs were trained by different versions of the program.");
  if (measured.size() > 1)
    notes.emplace_back("The runs were measured by different versions of the program.");
  note_choice(results, evaluate, notes);
}

}  // namespace

std::optional<Interval> whiskers(const RowValues& values) {
  if (values.spread.interval) return values.spread.interval;
  for (const auto& run : values.runs)
    if (std::isfinite(run.value)) return run.test_set;
  return std::nullopt;
}

std::optional<double> reference_value(const json::object& measured, std::string_view part,
                                      std::string_view metric) {
  const auto* object = measured.if_contains(part);
  if (object == nullptr || !object->is_object()) return {};
  const auto* found = object->get_object().if_contains(metric);
  if (found == nullptr || !found->is_object()) return {};
  const auto* value = found->get_object().if_contains("value");
  if (value == nullptr || !value->is_number()) return {};
  return value->to_number<double>();
}

Summary summarise(const GridResults& results, const ExperimentOptions& options) {
  Summary summary;
  const auto metrics = place_metrics(options.evaluate.metrics, summary.columns);
  const auto vectors = read_vectors(options.evaluate.vectors, results.finished);
  MetricSettings settings;
  if (vectors) {
    settings.vectors = &vectors->vectors;
    summary.vectors = vectors->to_json();
  }
  Measurer measurer(metrics, summary.columns, settings);
  std::vector<MeasuredRun> runs;
  runs.reserve(results.finished.size());
  for (const auto& result : results.finished) runs.push_back(measurer(result));
  for (const auto& row : options.rows) {
    summary.rows.push_back(row.name);
    auto& values = summary.values.emplace_back();
    for (std::size_t c = 0; c < summary.columns.size(); ++c)
      values.push_back(row_values(runs, row.name, c));
  }
  add_notes(results, options.evaluate, summary.notes);
  note_references(results, summary.columns, summary.notes);
  add_differences(runs, options, metrics, summary);
  return summary;
}

}  // namespace banter::train
