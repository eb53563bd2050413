#pragma once

#include <cstdint>

#include "models/transformer_model.h"

namespace banter::models {

struct FlatTransformerOptions : TransformerOptions {
  std::int64_t encoder_layers = 3;  ///< 1 to kMostLayers
  std::int64_t decoder_layers = 3;  ///< 1 to kMostLayers
  bool tied = true;                 ///< the output layer's matrix is the table of token vectors
  bool speakers = false;            ///< add a vector for the turn's speaker to each of its tokens

  static constexpr std::int64_t kMostLayers = 48;

  static FlatTransformerOptions from(configs::Section& section);
};

/// The Transformer over the whole context: an encoder that reads facts and turns joined by the
/// turn-end symbol, and a decoder that looks at all of their tokens.
///
/// Source   Vaswani et al. 2017, arXiv:1706.03762; with norm: post, positions: sinusoidal and
///          activation: swish the network of Marian's models, with norm: pre, positions: learned,
///          embedding_norm and activation: gelu that of mBART (Liu et al. 2020, arXiv:2001.08210)
class FlatTransformer : public TransformerModel {
 public:
  FlatTransformer(const FlatTransformerOptions& options, const Vocabulary& vocabulary);

  /// Turns are kept as ids: the encoder runs over a reply's whole context in `compose`.
  Kept encode_turns(const data::Batch& batch) override;
  [[nodiscard]] bool encodes_turns() const override { return false; }
  [[nodiscard]] AttendedTokens attended_tokens() const override {
    return AttendedTokens::kOfStream;
  }

  const FlatTransformerOptions options;

 protected:
  Read read(const data::Batch& batch) override;
  Sources read_kept(const Kept& kept, const torch::Tensor& context,
                    const torch::Tensor& facts) override;

 private:
  TransformerStack encoder_{nullptr};
};

}  // namespace banter::models
