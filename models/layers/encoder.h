#pragma once

#include <cstdint>

#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/gru.h"
#include "models/layers/token_encoder.h"

namespace banter::models {

/// Reads rows of tokens: a GRU, beside which a second one may read every row from its end, and
/// above which others may read its states.
///
/// Math     of a layer, x_j the token's vector or the q_j of the layer below:
///          f_j = GRU(x_j, f_{j-1})        q_j = f_j,  or of both: tanh(W [f_j; b_j] + b)
///          b_j = GRU'(x_j, b_{j+1})       h = q of the last token, or tanh(W [f_last; b_first] +
///          b)
class EncoderImpl : public GruImpl, public TokenEncoder {
 public:
  /// Requires layers >= 1.
  EncoderImpl(std::int64_t input_dim, std::int64_t hidden_dim, bool bidirectional,
              std::int64_t layers = 1);

  /// q and h of the top layer.
  Encoding encode(const torch::Tensor& input, const Packing& packing, bool with_states) override;

 private:
  Encoding encode_layer(const torch::Tensor& input, const Packing& packing, bool with_states);
  Gru backward_{nullptr};               ///< when bidirectional
  torch::nn::Linear join_{nullptr};     ///< likewise
  std::shared_ptr<EncoderImpl> upper_;  ///< the layers above
};
TORCH_MODULE(Encoder);

}  // namespace banter::models
