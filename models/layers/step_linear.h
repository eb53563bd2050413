#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/packed_matrix.h"
#include "models/layers/unchanged.h"

namespace banter::models {

/// x W^T + b for a step of decoding: few rows, no gradient, the same W again and again. W is packed
/// once, at the first step. What a row gets does not depend on how many rows there are, so a reply
/// is the same alone and in company.
///
/// In evaluation mode only: there the packed copy is made anew when it is given another W and when
/// W was changed in place through LibTorch, and a change of mode drops it, for an optimizer writes
/// W through plain pointers. In training, with gradient, on other devices and for other float types
/// this is LibTorch's product and nothing is packed.
class StepLinearImpl : public torch::nn::Module {
 public:
  /// Shapes   x (N,I), weight (O,I), bias (O) or undefined; returns (N,O)
  /// Throws   ShapeError
  /// Cost     the packed copy is as large as W
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& weight,
                        const torch::Tensor& bias = {});

  void train(bool on = true) override;

 private:
  Unchanged weight_;  ///< that `packed_` was made from
  PackedMatrix packed_;
};
TORCH_MODULE(StepLinear);

}  // namespace banter::models
