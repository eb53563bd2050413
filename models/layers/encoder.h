#pragma once

#include <cstdint>

#include <torch/torch.h>

#include "models/layers/gru.h"

namespace banter::models {

/// Reads rows of tokens: a GRU, beside which a second one may read every row from its end.
///
/// Math     f_j = GRU(x_j, f_{j-1})        q_j = f_j,  or of both: tanh(W [f_j; b_j] + b)
///          b_j = GRU'(x_j, b_{j+1})       h = q of the last token, or tanh(W [f_last; b_first] +
///          b)
class EncoderImpl : public GruImpl {
 public:
  EncoderImpl(std::int64_t input_dim, std::int64_t hidden_dim, bool bidirectional);

  struct Encoding {
    torch::Tensor states;  ///< (P,H): q, packed; undefined when not asked for
    torch::Tensor last;    ///< (N,H): h; zeros for an empty row
  };
  /// Shapes   input (P,I) packed
  Encoding encode(const torch::Tensor& input, const Packing& packing, bool with_states);

 private:
  Gru backward_{nullptr};            ///< when bidirectional
  torch::nn::Linear join_{nullptr};  ///< likewise
};
TORCH_MODULE(Encoder);

}  // namespace banter::models
