#pragma once

#include <cstdint>
#include <vector>

#include <torch/torch.h>

#include "data/batches/batch.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// The memory of one request, ready to be decoded from.
struct Composed {
  Memory memory;                      ///< one row
  std::vector<std::int64_t> columns;  ///< of attention weights: those of its facts, then its turns
  std::int64_t facts = 0;             ///< facts read, the first ones of the context
  std::int64_t turns = 0;             ///< turns read, the last ones of the context
};

/// Which columns of [facts; context] are real in row `b` of a batch, and how many of each.
/// `memory` of the result is empty.
Composed sources_of(const data::Batch& batch, std::int64_t b);

/// The device that a model's parameters are on; the CPU when it has none.
torch::Device device_of(const DialogueModel& model);

}  // namespace banter::models
