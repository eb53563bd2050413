#pragma once

#include <cstdint>

#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace banter::models {

/// Token vectors of turns and replies, one table for both, with the speaker's vector added to a
/// turn's tokens when `speakers`.
///
/// Math     table[id] m[id] / (1 - p),  m[id] = 0 with probability p = `dropout`, else 1: a word is
///          dropped wherever it stands, and a look-up draws m (V) once
/// Modes    eval(), or p = 0: table[id], nothing is drawn; train(): from LibTorch's generator
/// Cost     of dropout: V numbers drawn, and a number a token looked up; no table is made
/// Source   Gal and Ghahramani 2016, arXiv:1512.05287, section 4.2; Merity et al. 2018,
///          arXiv:1708.02182, section 4.3
class TurnEmbeddingImpl : public torch::nn::Module {
 public:
  /// `pad`: the row that stays zero. `dropout`: of words, in [0, 1).
  TurnEmbeddingImpl(std::int64_t vocab_size, std::int64_t pad, std::int64_t embed_dim,
                    bool speakers, double dropout);

  /// The table itself. Shapes   returns (V,E)
  [[nodiscard]] const torch::Tensor& table() const { return token_->weight; }
  /// Vectors of packed ids. Shapes   ids (P) -> (P,E)
  torch::Tensor forward(const torch::Tensor& ids);
  /// The same for tokens of turns. Shapes   ids, speakers (P) int64 -> (P,E)
  torch::Tensor of_turns(const torch::Tensor& ids, const torch::Tensor& speakers);
  /// Turns' tokens and a reply's inputs by one look-up, so that the way back makes one table and
  /// both lack the same words.
  /// Shapes   turn_ids, turn_speakers (P), reply_ids (Q) -> (P,E), (Q,E)
  std::pair<torch::Tensor, torch::Tensor> of_both(const torch::Tensor& turn_ids,
                                                  const torch::Tensor& turn_speakers,
                                                  const torch::Tensor& reply_ids);

 private:
  torch::Tensor look_up(const torch::Tensor& ids);
  torch::Tensor with_speakers(const torch::Tensor& vectors, const torch::Tensor& speakers);
  torch::nn::Embedding token_{nullptr};
  torch::nn::Embedding speaker_{nullptr};  ///< only when `speakers`
  double dropout_;
};
TORCH_MODULE(TurnEmbedding);

}  // namespace banter::models
