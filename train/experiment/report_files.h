#pragma once

#include <vector>

#include "train/experiment/cell.h"

namespace banter::train {

/// Writes FOLDER/report.md, report.html, report.json and figures/ from what the finished cells
/// left, and FOLDER/times.md, where everything stands that a clock measured. The same cells give
/// the same bytes of all but times.md.
/// Throws   FileError, DataError; Stopped when a signal came
void write_report(const std::vector<Cell>& cells, const ExperimentOptions& options);

}  // namespace banter::train
