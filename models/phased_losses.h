#pragma once

#include <cstdint>
#include <vector>

#include "data/batches/batch.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// What a dialogue model that learns in phases has beside `losses`: a loss that does not count yet
/// need not be computed.
class PhasedLosses {
 public:
  PhasedLosses() = default;
  PhasedLosses(const PhasedLosses&) = delete;
  PhasedLosses& operator=(const PhasedLosses&) = delete;
  virtual ~PhasedLosses() = default;

  /// Those of `losses` that count (`loss_weight` is not 0) in the update that follows `updates` of
  /// them, in its order; each with its value and gradient, bit for bit.
  virtual std::vector<LossSum> losses_that_count(const data::Batch& batch,
                                                 std::int64_t updates) = 0;
};

}  // namespace banter::models
