#include "train/experiment/measured_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/errors.h"
#include "train/metrics/likelihoods/likelihood_measurement.h"
#include "train/metrics/pairs/pair_metrics.h"
#include "train/metrics/pairs/pair_scores.h"
#include "train/metrics/texts/scores.h"

namespace banter::train {
namespace {

namespace json = base::json;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

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
  Measurer(const PlacedMetrics& metrics, const MetricSettings& settings)
      : metrics_(metrics), settings_(settings) {}

  MeasuredRun operator()(const CellResult& result) {
    MeasuredRun run;
    run.result = &result;
    run.likelihoods = measure_likelihoods(by_group(result.likelihoods), metrics_.likelihoods);
    run.texts = measure(result.samples, metrics_.texts, settings_, vocabulary_);
    run.answers = result.sums.measurement(metrics_.answers);
    for (const auto& reading : metrics_.pairs) run.pairs.push_back(measured_pairs(result, reading));
    run.data = hash_of_data(result.samples);
    run.pair_data = text_of_pairs(result, "data");
    run.values = values_of_columns(run);
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

  [[nodiscard]] std::vector<RunValue> values_of_columns(const MeasuredRun& run) const {
    const auto& result = *run.result;
    const auto likelihoods = values_of(run.likelihoods, result),
               texts = values_of(run.texts, result);
    std::vector<std::vector<RunValue>> pairs;
    pairs.reserve(run.pairs.size());
    for (const auto& measured : run.pairs) pairs.push_back(values_of(measured, result));
    std::vector<RunValue> values;
    for (std::size_t c = 0; c < metrics_.columns.size(); ++c) {
      const auto [source, index, reading] = metrics_.places[c];
      if (source == Source::kAnswer) {
        values.push_back(answer_value(result, metrics_.columns[c].name));
        continue;
      }
      auto& value = values.emplace_back(source == Source::kPairs   ? pairs[reading][index]
                                        : source == Source::kTexts ? texts[index]
                                                                   : likelihoods[index]);
      value.signature = signature_of(c, run);
    }
    return values;
  }

  /// Of a column that is not taken from the answer.
  [[nodiscard]] std::string signature_of(std::size_t c, const MeasuredRun& run) const {
    const auto& result = *run.result;
    const auto [source, index, reading] = metrics_.places[c];
    if (source == Source::kPairs) {
      const auto& of = metrics_.pairs[reading];
      return signature_of_pairs(result, *of.metrics[index], of.name);
    }
    if (source == Source::kTexts) {
      if (result.samples.empty()) return "";
      return signature(*metrics_.texts[index], settings_, result.samples, run.data,
                       kResampling.resamples, kResampling.seed);
    }
    const auto of_model = text_in(result.measured, "signature");
    return of_model.empty() ? "" : metrics_.columns[c].name + "|" + of_model;
  }

  const PlacedMetrics& metrics_;
  MetricSettings settings_;
  PieceVocabulary vocabulary_;
};

}  // namespace

std::vector<MeasuredRun> measure_runs(const std::vector<CellResult>& results,
                                      const PlacedMetrics& metrics,
                                      const MetricSettings& settings) {
  Measurer measurer(metrics, settings);
  std::vector<MeasuredRun> runs;
  runs.reserve(results.size());
  for (const auto& result : results) runs.push_back(measurer(result));
  return runs;
}

}  // namespace banter::train
