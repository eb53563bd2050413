#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/experiment/results.h"
#include "train/metrics/statistics/spread.h"

namespace banter::train {

/// A metric of the table.
struct Column {
  std::string name, what;
  int digits = 3;  ///< behind the point
};

/// A metric's value of one run, with the interval of the test set: other dialogues, same model.
struct RunValue {
  std::int64_t seed = 0;
  double value = 0;  ///< NaN where the run has none
  std::optional<Interval> test_set;
  std::string signature;  ///< how it was made, of what and by which version; "" where it has none
};

/// A row's values of one metric, and how they spread over seeds: other models, same dialogues.
struct RowValues {
  std::vector<RunValue> runs;
  Spread spread;
};

/// What is drawn around a mean: its interval over seeds, or where there is a single run the run's
/// over dialogues.
std::optional<Interval> whiskers(const RowValues& values);

/// How a row differs from the baseline in one metric.
struct RowDifference {
  std::string row, baseline;
  std::size_t column = 0;           ///< number in `Summary::columns`
  std::vector<std::int64_t> seeds;  ///< that both have: run i of both is a pair
  Spread spread;                    ///< of row - baseline over these pairs
  double p = 1;                     ///< randomisation over dialogues, all pairs together
  double p_holm = 1;                ///< of all differences of the table
};

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
/// Throws   ConfigError when a metric cannot be had of them; Stopped when a signal came
Summary summarise(const GridResults& results, const ExperimentOptions& options);

/// The value of a metric in a part of what `banter evaluate` said; nothing where there is none.
std::optional<double> reference_value(const base::json::object& measured, std::string_view part,
                                      std::string_view metric);

}  // namespace banter::train
