#pragma once

#include <cstdint>

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace banter::models {

/// Independent normal distributions, one a dimension. Shapes   (B,Z), variance > 0
struct Gaussian {
  torch::Tensor mean, variance;

  /// Shapes   noise (B,Z), standard normal
  [[nodiscard]] torch::Tensor at(const torch::Tensor& noise) const {
    return mean + variance.sqrt() * noise;
  }
};

/// How far q is from p.
///
/// Math     KL(q || p) = 1/2 sum_k [ ln(var_p/var_q) + (var_q + (mu_q - mu_p)^2)/var_p - 1 ]
/// Shapes   returns (B); nats
torch::Tensor kl_divergence(const Gaussian& q, const Gaussian& p);

/// Makes a Gaussian of a vector.
///
/// Math     m = tanh(W_2 tanh(W_1 x + b_1) + b_2)
///          mu = W_mu m + b_mu      var = scale * softplus(W_var m + b_var)
/// Source   Serban et al. 2017, arXiv:1605.06069, section 3; hed-dlg-truncated, state.py
class GaussianNetImpl : public torch::nn::Module {
 public:
  /// Shapes   x (B,input_dim), m (B,hidden_dim), distributions (B,latent_dim)
  GaussianNetImpl(std::int64_t input_dim, std::int64_t hidden_dim, std::int64_t latent_dim,
                  double variance_scale);

  Gaussian forward(const torch::Tensor& x);

 private:
  double variance_scale_;
  torch::nn::Linear first_{nullptr}, second_{nullptr}, mean_{nullptr}, variance_{nullptr};
};
TORCH_MODULE(GaussianNet);

/// Standard normal numbers as a function of keys: row n depends on key n alone, so it is the same
/// wherever and beside whatever it is drawn.
///
/// Shapes   keys (N) int64 -> (N,Z) float64 on the CPU
/// Source   Box and Muller 1958, on base::to_unit
torch::Tensor keyed_normal(const torch::Tensor& keys, std::int64_t Z);

}  // namespace banter::models
