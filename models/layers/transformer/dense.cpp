#include "models/layers/transformer/dense.h"

namespace banter::models {

DenseImpl::DenseImpl(std::int64_t input_dim, std::int64_t output_dim, bool has_bias) {
  weight = register_parameter("weight", torch::empty({output_dim, input_dim}));
  if (has_bias) bias = register_parameter("bias", torch::empty({output_dim}));
  step_ = register_module("step", StepLinear());
}

torch::Tensor DenseImpl::forward(const torch::Tensor& x) { return torch::linear(x, weight, bias); }

torch::Tensor DenseImpl::step(const torch::Tensor& x) { return step_->forward(x, weight, bias); }

}  // namespace banter::models
