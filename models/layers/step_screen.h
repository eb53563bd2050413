#pragma once

#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/label_screen.h"
#include "models/layers/unchanged.h"
#include "models/screened_row.h"

namespace banter::models {

/// What can be the highest of x W^T + b for a step of decoding, of the same W and b again and
/// again: they are made into bytes once, under the rules of `StepLinear`. No row is screened in
/// training, with gradient, on other devices, for other float types, and where the logits
/// themselves are as fast: of many rows on a CPU without VNNI.
class StepScreenImpl : public torch::nn::Module {
 public:
  /// Shapes   x (N,I), weight (O,I), bias (O); N rows
  std::vector<ScreenedRow> forward(const torch::Tensor& x, const torch::Tensor& weight,
                                   const torch::Tensor& bias);

  void train(bool on = true) override;

 private:
  Unchanged weight_, bias_;  ///< that `screen_` was made from
  LabelScreen screen_;
};
TORCH_MODULE(StepScreen);

}  // namespace banter::models
