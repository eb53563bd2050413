#pragma once

#include "models/dialogue_model.h"

namespace banter::models {

/// Turns kept as they are, for models whose encoder reads a whole context at once.
Kept keep_ids(const data::Batch& batch);

/// The contexts of B replies to come out of such turns. Shapes   context (B,U), facts (B,F) rows of
/// `kept`, -1 = none
data::Batch contexts_of(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts);

}  // namespace banter::models
