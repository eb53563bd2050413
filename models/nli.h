#pragma once

#include <cstdint>

#include "models/layers/transformer/padded_rows.h"
#include "models/layers/transformer/transformer_stack.h"
#include "models/layers/turn_embedding.h"
#include "models/pair_classifier.h"

namespace banter::models {

struct NliOptions : TransformerOptions {
  std::int64_t encoder_layers = 2;  ///< 1 to kMostLayers

  static constexpr std::int64_t kMostLayers = 48;

  static NliOptions from(configs::Section& section);
};

/// A Transformer encoder that reads premise and hypothesis as one row, and a classifier of the two
/// sentences' means.
///
/// Math     x = encoder(e(token) + k(sentence)),  tokens of [premise; hypothesis]
///          u = mean of the premise's x, v = mean of the hypothesis's x
///          logits = W_2 tanh(W_1 [u; v; |u-v|; u*v] + b_1) + b_2
/// Source   Devlin et al. 2019, arXiv:1810.04805, 3.1 (the two sentences as one input); Conneau et
///          al. 2017, arXiv:1705.02364, 3.1 (the four features). Differs: means of both sentences
///          instead of the first token's state, which has to be pretrained to be of use
class Nli : public PairClassifier {
 public:
  Nli(const NliOptions& options, const Vocabulary& vocabulary);

  torch::Tensor logits(const data::PairBatch& pairs) override;

  const NliOptions options;

 private:
  TurnEmbedding embedding_{nullptr};
  torch::nn::Embedding kind_{nullptr};  ///< of a token's sentence: premise 1, hypothesis 0
  TransformerStack encoder_{nullptr};
  torch::nn::Linear hidden_{nullptr};  ///< 4D -> D
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::Linear output_{nullptr};  ///< D -> 3
};

}  // namespace banter::models
