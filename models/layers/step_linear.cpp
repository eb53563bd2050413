#include "models/layers/step_linear.h"

#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/shapes.h"

namespace banter::models {

void StepLinearImpl::train(bool on) {
  torch::nn::Module::train(on);
  weight_ = Unchanged();
  packed_ = PackedMatrix();
}

torch::Tensor StepLinearImpl::forward(const torch::Tensor& x, const torch::Tensor& weight,
                                      const torch::Tensor& bias) {
  if (is_narrow(x)) return forward(widened(x), weight, bias);
  const auto I = dims<2>(x, "x (N,I)")[1], O = dims<2>(weight, "weight (O,I)")[0];
  expect_like(weight, {O, I}, x.scalar_type(), "weight (O,I)");
  if (bias.defined()) expect_like(bias, {O}, x.scalar_type(), "bias (O)");
  if (!has_kernels(x, Kernel::kStep) || torch::GradMode::is_enabled() || is_training())
    return torch::linear(x, weight, bias);
  if (!weight_.is(weight)) {
    weight_ = Unchanged(weight);
    packed_ = PackedMatrix(weight);
  }
  auto out = x.new_empty({x.size(0), O});
  packed_.times_out(out, x.contiguous(), bias);
  return out;
}

}  // namespace banter::models
