#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "train/experiment/measured_runs.h"
#include "train/experiment/options.h"
#include "train/metrics/statistics/spread.h"

namespace banter::train {

/// How a row differs from the baseline in one metric.
struct RowDifference {
  std::string row, baseline;
  std::size_t column = 0;           ///< number among the columns
  std::vector<std::int64_t> seeds;  ///< that both have: run i of both is a pair
  Spread spread;                    ///< of row - baseline over these pairs
  double p = 1;                     ///< randomisation over dialogues, all pairs together
  double p_holm = 1;                ///< of all differences of the table
};

struct RowTests {
  std::vector<RowDifference> differences;  ///< row by row, column by column
  std::vector<std::string> notes;          ///< which rows are not compared, and why
};

/// Tests every row against its baseline (`baseline_of`) in every column, by their runs with the
/// same seed on the same replies and pairs; none where no baseline is named. A difference that a
/// run has no value for is left out.
RowTests test_rows(const std::vector<MeasuredRun>& runs, const PlacedMetrics& metrics,
                   const ExperimentOptions& options);

}  // namespace banter::train
