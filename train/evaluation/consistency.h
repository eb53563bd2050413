#pragma once

#include <vector>

#include "models/consistency/consistency_judge.h"
#include "train/metrics/texts/sample.h"

namespace banter::train {

/// Notes with each sample how its reply stands to the sentences of its persona, and by which judge.
/// Throws   Stopped when a signal came
void judge_replies(models::ConsistencyJudge& judge, std::vector<Sample>& samples,
                   bool quiet = true);

}  // namespace banter::train
