#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "data/batches/batch.h"
#include "models/decoding/reply.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// The memory of one request, ready to be decoded from.
struct Composed {
  Memory memory;                       ///< one row
  std::vector<std::int64_t> columns;   ///< of attention weights: those of its facts, then its turns
  std::int64_t facts = 0;              ///< facts read, the first ones of the context
  std::int64_t turns = 0;              ///< turns read, the last ones of the context
  std::vector<ContextToken> tokens{};  ///< `tokens_of` it, when asked for
};

/// Which columns of [facts; context] are real in row `b` of a batch, and how many of each.
/// `memory` of the result is empty.
Composed sources_of(const data::Batch& batch, std::int64_t b);

/// The tokens that weights of single tokens are of, in their order, in row `b` of a batch; none
/// where a model has no such weights. `sources`: those of the row.
std::vector<ContextToken> tokens_of(const DialogueModel& model, const data::Batch& batch,
                                    std::int64_t b, const Composed& sources);

/// The device that a model's parameters are on; the CPU when it has none.
torch::Device device_of(const DialogueModel& model);

}  // namespace banter::models
