#pragma once

#include <iosfwd>
#include <string>

#include "base/json.h"
#include "train/evaluation/pairs/evaluation.h"

namespace banter::train {

/// What an evaluation of pairs is of.
struct PairReportHead {
  std::string run, store, split, signature;
};

/// Accuracy of each system with intervals over groups, over all pairs and by label and source.
base::json::object to_json(const PairReportHead& head, const PairEvaluation& evaluation);
void print(std::ostream& out, const PairReportHead& head, const PairEvaluation& evaluation);

}  // namespace banter::train
