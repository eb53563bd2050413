#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "models/layers/token_encoder.h"
#include "models/transformer_model.h"

namespace banter::models {

struct RecosaOptions : TransformerOptions {
  std::string encoder = "gru";      ///< of a turn's tokens: gru|transformer
  std::string pool = "mean";        ///< of a transformer's states: mean|end (the turn-end symbol's)
  std::int64_t encoder_layers = 1;  ///< of that encoder, 1 to kMostLayers
  std::int64_t turn_layers = 1;     ///< of self-attention over the turns, 1 to kMostLayers
  std::int64_t decoder_layers = 3;  ///< 1 to kMostLayers
  bool tied = true;                 ///< the output layer's matrix is the table of token vectors
  bool speakers = false;            ///< add a vector for the turn's speaker to each of its tokens

  static constexpr std::int64_t kMostLayers = 16;

  static RecosaOptions from(configs::Section& section);
};

/// Self-attention over the vectors of the turns, and a Transformer decoder that looks at them.
///
/// Math     h_i = the encoder's vector of turn i        r = layers of self-attention over
///          h_i + position_i, the oldest source first; the decoder's memory is r_1 .. r_U
/// Source   Zhang et al. 2019, arXiv:1907.05339; differs: a GRU where it has an LSTM, norms before
///          their parts unless asked
class Recosa : public TransformerModel {
 public:
  Recosa(const RecosaOptions& options, const Vocabulary& vocabulary);

  /// A vector a turn is kept.
  Kept encode_turns(const data::Batch& batch) override;

  const RecosaOptions options;

 protected:
  Read read(const data::Batch& batch) override;
  Sources read_kept(const Kept& kept, const torch::Tensor& context,
                    const torch::Tensor& facts) override;

 private:
  Sources read_turns(const torch::Tensor& vectors, const torch::Tensor& context,
                     const torch::Tensor& facts);

  torch::nn::Dropout dropout_{nullptr};  ///< of turns' token vectors
  std::shared_ptr<TokenEncoder> encoder_;
  TransformerStack turns_{nullptr};
};

}  // namespace banter::models
