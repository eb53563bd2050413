#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "models/layers/transformer/padded_rows.h"

namespace banter::models {

/// Which rows of tokens look at which, laid out for attention in groups of rows of like length, so
/// that a long row does not make padding of all others.
struct AttentionRows {
  /// Rows next to each other in the order in which both sides are packed.
  struct Group {
    std::int64_t rows = 0;
    std::int64_t width = 0, memory_width = 0;  ///< of its longest ones
    torch::Tensor slots, memory_slots;  ///< of each token, row * width + place; undefined: the same
    torch::Tensor keep;                 ///< (rows,memory_width) bool; undefined: all are there
  };
  std::vector<Group> groups;
  std::vector<std::int64_t> tokens, memory_tokens;  ///< of each group

  /// Row i of `x` looks at row i of `memory`; both are packed in the same order.
  static AttentionRows of(const PaddedRows& x, const PaddedRows& memory);
  /// Each row looks at itself.
  static AttentionRows among(const PaddedRows& x) { return of(x, x); }
};

/// Packed tokens in their slots, zeros in the others; differentiable.
/// Shapes   packed (P,D), slots (P) or undefined -> (rows,width,D)
torch::Tensor to_slots(const torch::Tensor& packed, const torch::Tensor& slots, std::int64_t rows,
                       std::int64_t width);
/// The way back. Shapes   padded (rows,width,D) -> (P,D)
torch::Tensor from_slots(const torch::Tensor& padded, const torch::Tensor& slots);

}  // namespace banter::models
