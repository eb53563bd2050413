#pragma once

#include <cstdint>

#include <torch/types.h>

#include "models/layers/transformer/padded_rows.h"
#include "models/layers/transformer/places.h"

namespace banter::models {

/// Room for what rows keep of the tokens that they have read: slots (N,C,D), of which the first
/// `length` (N) of a row are filled. A step fills one more in every row. C is the power of two that
/// the longest row needs: all get more slots when it is full, and fewer when it is gone.
struct StepSlots {
  Places places;              ///< (N): of the new token, in its row
  torch::Tensor at;           ///< (N) int64: the same among all N*C
  torch::Tensor index;        ///< (N,C) int64 filled ones among all N*C with the new one, -1 = none
  std::int64_t capacity = 0;  ///< C

  /// Shapes   length (N) int64
  static StepSlots of(const torch::Tensor& length);
  /// One slot for each of P packed tokens, each of which sees those of its row up to itself: all
  /// steps of some rows at once, over slots (1,0,D) that become (1,P,D).
  static StepSlots of_all(const PaddedRows& rows);

  /// The slots with the new tokens in them. They are written in their place where nobody but the
  /// caller's one reference knows of them, and copied first otherwise: older states stay as they
  /// were, for what lies behind their length is never read.
  /// Shapes   slots (N,C',D), tokens (N,D) -> (N,C,D)
  [[nodiscard]] torch::Tensor put(const torch::Tensor& slots, const torch::Tensor& tokens) const;
};

}  // namespace banter::models
