#pragma once

#include <cstdint>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/row_attention.h"
#include "models/layers/step_linear.h"

namespace banter::models {

/// The weights of one additive attention: e_i = v^T tanh(W h_i + Q query), no bias.
/// `keys` = W h_i is made once per turn, whoever reads it.
class AdditiveAttentionImpl : public torch::nn::Module {
 public:
  AdditiveAttentionImpl(std::int64_t memory_dim, std::int64_t query_dim, std::int64_t width);

  /// Shapes   memory (R,H) -> (R,K)
  torch::Tensor keys(const torch::Tensor& memory);
  /// Shapes   query (N,H), keys (R,K), values (R,D), index (N,U); see `additive_attention`
  Attended look(const torch::Tensor& query, const torch::Tensor& keys, const torch::Tensor& values,
                const torch::Tensor& index);

  /// For queries that ask several groups of rows, each by itself: the tokens of several turns.
  /// Shapes   index (N,U,T); returns weights (N,U,T), vectors (N*U,D)
  Attended look_in_groups(const torch::Tensor& query, const torch::Tensor& keys,
                          const torch::Tensor& values, const torch::Tensor& index);

  torch::Tensor memory_weight;  ///< W (K,H)
  torch::Tensor query_weight;   ///< Q (K,H)
  torch::Tensor v;              ///< (K)

  std::int64_t calls = 0;  ///< how often it looked: static attention once a reply

 private:
  StepLinear step_{nullptr};
};
TORCH_MODULE(AdditiveAttention);

}  // namespace banter::models
