#pragma once

#include <cstdint>

#include <torch/torch.h>

namespace banter::models {

/// Token vectors of turns and replies, one table for both, with the speaker's vector added to a
/// turn's tokens when `speakers`.
class TurnEmbeddingImpl : public torch::nn::Module {
 public:
  /// `pad`: the row that stays zero.
  TurnEmbeddingImpl(std::int64_t vocab_size, std::int64_t pad, std::int64_t embed_dim,
                    bool speakers, double dropout);

  /// The table itself. Shapes   returns (V,E)
  [[nodiscard]] const torch::Tensor& table() const { return token_->weight; }
  /// Vectors of packed ids. Shapes   ids (P) -> (P,E)
  torch::Tensor forward(const torch::Tensor& ids);
  /// The same for tokens of turns. Shapes   ids, speakers (P) int64 -> (P,E)
  torch::Tensor of_turns(const torch::Tensor& ids, const torch::Tensor& speakers);
  /// Turns' tokens and a reply's inputs by one look-up, so that the way back makes one table.
  /// Shapes   turn_ids, turn_speakers (P), reply_ids (Q) -> (P,E), (Q,E)
  std::pair<torch::Tensor, torch::Tensor> of_both(const torch::Tensor& turn_ids,
                                                  const torch::Tensor& turn_speakers,
                                                  const torch::Tensor& reply_ids);

 private:
  torch::Tensor with_speakers(const torch::Tensor& vectors, const torch::Tensor& speakers);
  torch::nn::Embedding token_{nullptr};
  torch::nn::Embedding speaker_{nullptr};  ///< only when `speakers`
  torch::nn::Dropout dropout_{nullptr};
};
TORCH_MODULE(TurnEmbedding);

}  // namespace banter::models
