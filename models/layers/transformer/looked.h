#pragma once

#include <span>
#include <vector>

#include <torch/types.h>

#include "models/layers/transformer/multi_head_attention.h"

namespace banter::models {

/// Rows that the tokens of a step look at, by layer.
struct Looked {
  std::vector<KeysValues> rows;
  torch::Tensor index;  ///< (N,J) int64 of them, -1 = none

  /// Rows `row` (N) of padded keys and values (B,J,D) of each layer. Shapes   kept (B,J), 0 or
  /// false = padding
  static Looked of(std::span<const torch::Tensor> keys_values, const torch::Tensor& kept,
                   const torch::Tensor& row);
};

/// The keys and values (N,C,D) of each layer as rows. Shapes   rows (N*C,D)
std::vector<KeysValues> flat_rows(std::span<const torch::Tensor> keys_values);

}  // namespace banter::models
