#pragma once

#include <cstdint>

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/step_linear.h"
#include "models/layers/transformer/projection.h"

namespace banter::models {

/// x W^T + b.
class DenseImpl : public Projection {
 public:
  DenseImpl(std::int64_t input_dim, std::int64_t output_dim, bool has_bias = true);

  torch::Tensor forward(const torch::Tensor& x) override;
  torch::Tensor step(const torch::Tensor& x) override;

  torch::Tensor weight;  ///< (O,I)
  torch::Tensor bias;    ///< (O), or undefined

 private:
  StepLinear step_{nullptr};
};
TORCH_MODULE(Dense);

}  // namespace banter::models
