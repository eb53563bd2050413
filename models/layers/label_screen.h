#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "models/kernels/label_bounds.h"
#include "models/screened_row.h"

namespace banter::models {

/// A matrix and bias of an output layer that rows of features are screened by: bounds of all logits
/// from products of bytes, then the few in floats that can be the highest. What is found is what
/// the whole row of logits would say, bit for bit; a row's answer does not depend on the others.
class LabelScreen {
 public:
  LabelScreen() = default;
  /// Shapes   weight (V,K), bias (V): float on the CPU, contiguous; K <= kMostLabelWidth
  /// Cost     a byte for each number of W; made by all threads
  LabelScreen(const torch::Tensor& weight, const torch::Tensor& bias);

  /// Rows of x (N,K), float, contiguous, without gradient.
  [[nodiscard]] std::vector<ScreenedRow> rows(const torch::Tensor& x) const;

 private:
  [[nodiscard]] ScreenedRow row(const float* x, const float* upper, const float* highest_upper,
                                std::int64_t N, float below) const;

  torch::Tensor weight_, bias_;
  torch::Tensor bytes_;    ///< (panels, quads, kLabelPanel, 4)
  torch::Tensor numbers_;  ///< (5, panels * kLabelPanel): scale, bias, error, norm, slack
  LabelBytes labels_;      ///< the same
  std::int64_t panels_ = 0;
};

}  // namespace banter::models
