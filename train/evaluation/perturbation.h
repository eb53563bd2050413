#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/batch.h"
#include "data/tokenizer/tokenizer.h"
#include "data/transforms/transforms.h"
#include "models/dialogue_model.h"
#include "train/metrics/likelihoods/likelihood.h"

namespace banter::train {

/// Scores every reply of a split as `evaluate` does, but that the turns it sees of its context (at
/// most `max_context_turns`) are altered by one of `data.transforms`, keyed by its seed, the
/// dialogue's id and the turn. The reply, its speaker and the facts stay; where no turn is left, an
/// empty one stands.
///
/// Returns  the sums of each group of dialogues that has a reply, in the order of the split
/// Modes    runs in eval mode under NoGradGuard and leaves the model as it was
/// Throws   Stopped when a signal came
/// Source   Sankar et al. 2019, arXiv:1906.01603
std::vector<Likelihood> altered_likelihoods(models::DialogueModel& model,
                                            const data::Tokenizer& tokenizer,
                                            const data::Split& split,
                                            const data::BatchOptions& options,
                                            const data::TransformOptions& transform,
                                            torch::Device device = torch::kCPU, bool quiet = true);

}  // namespace banter::train
