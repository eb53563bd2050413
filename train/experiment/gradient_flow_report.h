#pragma once

#include "base/json.h"
#include "train/experiment/document.h"
#include "train/experiment/results.h"

namespace banter::train {

/// The report of an experiment of kind `gradient_flow`: for each row the mean ln of the gradient's
/// norm at the oldest turn by the number of turns, before and after training, as curves and tables,
/// and how far each row leads the baseline. The same results give the same bytes.
Document gradient_flow_document(const GridResults& results, const ExperimentOptions& options);
base::json::object gradient_flow_json(const GridResults& results, const ExperimentOptions& options);

}  // namespace banter::train
