#include "models/layers/gaussian.h"

#include <cmath>
#include <numbers>

#include "base/random.h"
#include "models/layers/products.h"
#include "models/layers/shapes.h"

namespace banter::models {

torch::Tensor kl_divergence(const Gaussian& q, const Gaussian& p) {
  const auto apart = (q.mean - p.mean).square();
  const auto ratio = p.variance.log() - q.variance.log();
  return 0.5 * (ratio + (q.variance + apart) / p.variance - 1).sum(1);
}

GaussianNetImpl::GaussianNetImpl(std::int64_t input_dim, std::int64_t hidden_dim,
                                 std::int64_t latent_dim, double variance_scale)
    : variance_scale_(variance_scale) {
  first_ = register_module("first", torch::nn::Linear(input_dim, hidden_dim));
  second_ = register_module("second", torch::nn::Linear(hidden_dim, hidden_dim));
  mean_ = register_module("mean", torch::nn::Linear(hidden_dim, latent_dim));
  variance_ = register_module("variance", torch::nn::Linear(hidden_dim, latent_dim));
}

Gaussian GaussianNetImpl::forward(const torch::Tensor& x) {
  const auto m = torch::tanh(second_(torch::tanh(first_(x))));
  return {widened(mean_(m)), variance_scale_ * torch::softplus(widened(variance_(m)))};
}

torch::Tensor keyed_normal(const torch::Tensor& keys, std::int64_t Z) {
  const auto N = dims<1>(keys, "keys (N)")[0];
  const auto on_cpu = keys.to(torch::kCPU, torch::kLong).contiguous();
  const auto numbers = torch::empty({N, Z}, torch::kDouble);
  auto* out = numbers.data_ptr<double>();
  for (std::int64_t n = 0; n < N; ++n) {
    const auto key = static_cast<std::uint64_t>(on_cpu.const_data_ptr<std::int64_t>()[n]);
    for (std::int64_t k = 0; k < Z; ++k) {
      const auto one = base::join_keys(key, 2 * static_cast<std::uint64_t>(k));
      const auto two = base::join_keys(key, 2 * static_cast<std::uint64_t>(k) + 1);
      const double radius = std::sqrt(-2 * std::log(1 - base::to_unit(one)));
      out[n * Z + k] = radius * std::cos(2 * std::numbers::pi * base::to_unit(two));
    }
  }
  return numbers;
}

}  // namespace banter::models
