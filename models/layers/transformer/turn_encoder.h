#pragma once

#include <cstdint>
#include <string>

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "models/layers/token_encoder.h"
#include "models/layers/transformer/transformer_stack.h"

namespace banter::models {

/// Reads rows of tokens by self-attention among the tokens of a row.
///
/// Math     x_j = the stack's vector of token j        q_j = W x_j + b
///          h = W mean_j x_j + b, or q of the last token, which is a turn's end symbol
class TransformerTurnEncoderImpl : public torch::nn::Module, public TokenEncoder {
 public:
  /// `pool`: mean|end. Token vectors (P,D) come with their dropout.
  TransformerTurnEncoderImpl(const TransformerOptions& options, std::int64_t layers,
                             std::int64_t output_dim, std::string pool);

  Encoding encode(const torch::Tensor& input, const Packing& packing, bool with_states) override;

 private:
  [[nodiscard]] torch::Tensor pooled(const torch::Tensor& states, const Packing& packing) const;

  std::string pool_;
  TransformerStack stack_{nullptr};
  torch::nn::Linear out_{nullptr};  ///< D -> H
};

}  // namespace banter::models
