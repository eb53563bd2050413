#include "models/layers/step_linear.h"

#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

constexpr std::int64_t kPanelGrain = 2;  // panels that are worth a thread of their own

template <typename T>
std::int64_t panels(std::int64_t columns) {
  return (columns + kernels<T>().panel - 1) / kernels<T>().panel;
}

/// Tensors made in inference mode count no changes: they are taken as constant.
std::int64_t version_of(const torch::Tensor& weight) {
  return weight.is_inference() ? 0 : static_cast<std::int64_t>(weight._version());
}

}  // namespace

void StepLinearImpl::train(bool on) {
  torch::nn::Module::train(on);
  weight_ = torch::Tensor();
  packed_ = torch::Tensor();
}

void StepLinearImpl::pack(const torch::Tensor& weight) {
  if (weight_.defined() && weight_.data_ptr() == weight.data_ptr() &&
      weight_.sizes() == weight.sizes() && weight_.strides() == weight.strides() &&
      weight_.scalar_type() == weight.scalar_type() && version_ == version_of(weight))
    return;
  weight_ = weight;
  version_ = version_of(weight);
  const auto rows = weight.stride(1) == 1 ? weight : weight.contiguous();
  with_type(rows, [&](auto zero) {
    using T = decltype(zero);
    const auto O = rows.size(0), K = rows.size(1);
    packed_ = rows.new_empty({panels<T>(O), K, kernels<T>().panel});
    kernels<T>().pack(O, K, rows.template const_data_ptr<T>(), rows.stride(0),
                      packed_.template data_ptr<T>());
  });
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
  const auto rows = x.contiguous();
  const auto out = rows.new_empty({rows.size(0), O});
  with_type(rows, [&](auto zero) {
    using T = decltype(zero);
    split(panels<T>(O), kPanelGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels<T>().rows_times_packed(
          begin, end, rows.size(0), rows.size(1), O, rows.template const_data_ptr<T>(),
          packed_.template const_data_ptr<T>(),
          bias.defined() ? bias.template const_data_ptr<T>() : nullptr, out.template data_ptr<T>());
    });
  });
  return out;
}

}  // namespace banter::models
