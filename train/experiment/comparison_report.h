#pragma once

#include "base/json.h"
#include "train/experiment/document.h"
#include "train/experiment/results.h"
#include "train/experiment/summary.h"

namespace banter::train {

/// The report of an experiment of kind `comparison`: means over seeds, tests against the baseline,
/// the single runs with the test set's intervals, pictures, replies side by side, and how it all
/// came about. The same results give the same bytes.
Document comparison_document(const GridResults& results, const Summary& summary,
                             const ExperimentOptions& options);
base::json::object comparison_json(const GridResults& results, const Summary& summary,
                                   const ExperimentOptions& options);

}  // namespace banter::train
