#pragma once

#include <cstdint>

#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/examples.h"
#include "data/store/split.h"
#include "models/dialogue_model.h"
#include "train/metrics/pairs/pair_likelihoods.h"

namespace banter::train {

/// Of the permutation that shuffles premises.
inline constexpr std::uint64_t kPremiseSeed = 1;

/// Scores the hypothesis of every entailed or contradicted pair of a split as a reply, teacher-
/// forced and whole, by the model's own score and by its further likelihoods: behind the premise as
/// its persona's only sentence and no turn, and behind the premise of another pair
/// (`shuffled_premises`). A model without a persona (`persona: none`) sees an empty turn instead,
/// so that both are the same.
///
/// Modes    runs in eval mode under NoGradGuard and leaves the model as it was
/// Throws   DataError when the split has no entailed or no contradicted pair, or premises cannot be
///          shuffled; Stopped when a signal came
PairLikelihoods score_pairs(models::DialogueModel& model, const data::Split& split,
                            const data::BatchOptions& options, torch::Device device, bool quiet);

}  // namespace banter::train
