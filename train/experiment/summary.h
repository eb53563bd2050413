#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/experiment/columns.h"
#include "train/experiment/measured_runs.h"
#include "train/experiment/options.h"
#include "train/experiment/results.h"
#include "train/experiment/row_tests.h"
#include "train/metrics/statistics/spread.h"

namespace banter::train {

/// A row's values of one metric, and how they spread over seeds: other models, same dialogues.
struct RowValues {
  std::vector<RunValue> runs;
  Spread spread;
};

/// What is drawn around a mean: its interval over seeds, or where there is a single run the run's
/// over dialogues.
std::optional<Interval> whiskers(const RowValues& values);

/// What a grid's results say.
struct Summary {
  std::vector<Column> columns;
  std::vector<std::string> rows;
  std::vector<std::vector<RowValues>> values;  ///< (rows, columns)
  std::vector<RowDifference> differences;      ///< row by row
  std::vector<std::string> notes;              ///< what a reader must know to believe it
  std::optional<base::json::object> vectors;   ///< of words: file, hash and coverage
};

/// Measures the finished runs from what they left, so that no model is needed.
/// Throws   DataError when a metric is not in a run's answer; what WordVectors::read throws;
///          Stopped when a signal came
Summary summarise(const GridResults& results, const ExperimentOptions& options);

}  // namespace banter::train
