#include "models/layers/step_linear.h"

#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

/// Tensors made in inference mode count no changes: they are taken as constant.
std::int64_t version_of(const torch::Tensor& weight) {
  return weight.is_inference() ? 0 : static_cast<std::int64_t>(weight._version());
}

}  // namespace

void StepLinearImpl::train(bool on) {
  torch::nn::Module::train(on);
  weight_ = torch::Tensor();
  packed_ = PackedMatrix();
}

void StepLinearImpl::pack(const torch::Tensor& weight) {
  if (weight_.defined() && weight_.data_ptr() == weight.data_ptr() &&
      weight_.sizes() == weight.sizes() && weight_.strides() == weight.strides() &&
      weight_.scalar_type() == weight.scalar_type() && version_ == version_of(weight))
    return;
  weight_ = weight;
  version_ = version_of(weight);
  packed_ = PackedMatrix(weight);
}

torch::Tensor StepLinearImpl::forward(const torch::Tensor& x, const torch::Tensor& weight,
                                      const torch::Tensor& bias) {
  if (is_narrow(x)) return forward(widened(x), weight, bias);
  const auto I = dims<2>(x, "x (N,I)")[1], O = dims<2>(weight, "weight (O,I)")[0];
  expect_like(weight, {O, I}, x.scalar_type(), "weight (O,I)");
  if (bias.defined()) expect_like(bias, {O}, x.scalar_type(), "bias (O)");
  if (!has_kernels(x, Kernel::kStep) || torch::GradMode::is_enabled() || is_training())
    return torch::linear(x, weight, bias);
  pack(weight);
  auto out = x.new_empty({x.size(0), O});
  packed_.times_out(out, x.contiguous(), bias);
  return out;
}

}  // namespace banter::models
