#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/experiment/columns.h"
#include "train/experiment/results.h"
#include "train/metrics/statistics/interval.h"
#include "train/metrics/texts/measure.h"

namespace banter::train {

/// A metric's value of one run, with the interval of the test set: other dialogues, same model.
struct RunValue {
  std::int64_t seed = 0;
  double value = 0;  ///< NaN where the run has none
  std::optional<Interval> test_set;
  std::string signature;  ///< how it was made, of what and by which version; "" where it has none
};

/// A finished run in numbers.
struct MeasuredRun {
  const CellResult* result = nullptr;
  Measurement likelihoods, texts, answers;
  std::vector<Measurement> pairs;  ///< by `PlacedMetrics::pairs`; no groups where it has no such
  std::string data;                ///< hash of what its texts are compared with
  std::string pair_data;           ///< hash of its pairs; "" without
  std::vector<RunValue> values;    ///< of the columns
};

/// Measures runs by what they left, one after the other and by one vocabulary, so that they can be
/// compared. `settings`: of the metrics of texts; its vectors must outlive what is returned.
/// Throws   DataError when a metric is not in a run's answer; Stopped when a signal came
std::vector<MeasuredRun> measure_runs(const std::vector<CellResult>& results,
                                      const PlacedMetrics& metrics, const MetricSettings& settings);

}  // namespace banter::train
