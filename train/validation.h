#pragma once

#include <cstdint>
#include <optional>

#include <torch/torch.h>

#include "data/batches/batch.h"
#include "models/dialogue_model.h"
#include "train/metrics/likelihood.h"

namespace banter::train {

/// Judges a model by one teacher-forced pass over a split, or over its first `max_replies` (0 =
/// all; the batch that reaches them is counted whole).
///
/// Modes    runs in eval mode without gradients and leaves the model as it was
/// Returns  nothing when a signal asked to stop meanwhile
std::optional<Likelihood> validate(models::DialogueModel& model, const data::Split& split,
                                   const data::BatchOptions& batch, std::int64_t max_replies,
                                   torch::Device device);

}  // namespace banter::train
