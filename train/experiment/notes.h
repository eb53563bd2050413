#pragma once

#include <string>
#include <vector>

#include "train/experiment/columns.h"
#include "train/experiment/results.h"

namespace banter::train {

/// What a reader must know of how the runs came about to believe their numbers: what is missing,
/// what was unequal, by what checkpoints were chosen, and what the corpus's own replies reach by
/// the classifier that judged those of the runs.
std::vector<std::string> notes_on(const GridResults& results, const EvaluationOptions& evaluate,
                                  const std::vector<Column>& columns);

}  // namespace banter::train
