#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <torch/types.h>

#include "data/batches/batch.h"
#include "data/store/store.h"
#include "models/dialogue_model.h"
#include "train/metrics/likelihoods/likelihood.h"
#include "train/options.h"
#include "train/ranks/ranks.h"

namespace banter::train {

/// The split that a training is judged by; null when its recipe names none.
/// Throws   ConfigError when the store has no such split
const data::Split* validation_split(const data::Store& store, const TrainOptions& options);

/// Throws   ConfigError that says why nothing can be judged, and what to do
[[noreturn]] void refuse_validation(const data::Store& store, const std::string& why);

/// Judges a model by one teacher-forced pass over a split, or over its first `max_replies` (0 =
/// all; the batch that reaches them is counted whole). All processes call it together, each scores
/// a share of the batches, and each gets the figures of one that scores all, to the last digit.
///
/// Modes    runs in eval mode without gradients and leaves the model as it was
/// Returns  nothing when a signal asked any of them to stop meanwhile
std::optional<Likelihood> validate(models::DialogueModel& model, const data::Split& split,
                                   const data::BatchOptions& batch, std::int64_t max_replies,
                                   torch::Device device, Ranks& ranks);

}  // namespace banter::train
