#include "models/layers/turn_embedding.h"

#include "data/tokenizer/tokenizer.h"

namespace banter::models {

TurnEmbeddingImpl::TurnEmbeddingImpl(std::int64_t vocab_size, std::int64_t pad,
                                     std::int64_t embed_dim, bool speakers, double dropout)
    : dropout_(dropout) {
  token_ = register_module(
      "token",
      torch::nn::Embedding(torch::nn::EmbeddingOptions(vocab_size, embed_dim).padding_idx(pad)));
  if (speakers) {
    speaker_ = register_module("speaker",
                               torch::nn::Embedding(data::SpecialIds::kSpeakers + 1, embed_dim));
  }
}

torch::Tensor TurnEmbeddingImpl::look_up(const torch::Tensor& ids) {
  const auto vectors = token_(ids);
  if (dropout_ == 0 || !is_training()) return vectors;
  const auto mask = torch::empty({table().size(0)}, vectors.options().requires_grad(false))
                        .bernoulli_(1 - dropout_);
  return vectors * mask.div_(1 - dropout_).index_select(0, ids).unsqueeze(1);
}

torch::Tensor TurnEmbeddingImpl::forward(const torch::Tensor& ids) { return look_up(ids); }

torch::Tensor TurnEmbeddingImpl::of_turns(const torch::Tensor& ids, const torch::Tensor& speakers) {
  return with_speakers(look_up(ids), speakers);
}

std::pair<torch::Tensor, torch::Tensor> TurnEmbeddingImpl::of_both(
    const torch::Tensor& turn_ids, const torch::Tensor& turn_speakers,
    const torch::Tensor& reply_ids) {
  const auto both = look_up(torch::cat({turn_ids, reply_ids}));
  const auto parts = both.split_with_sizes({turn_ids.size(0), reply_ids.size(0)});
  return {with_speakers(parts[0], turn_speakers), parts[1]};
}

torch::Tensor TurnEmbeddingImpl::with_speakers(const torch::Tensor& vectors,
                                               const torch::Tensor& speakers) {
  return speaker_.is_empty() ? vectors : vectors + speaker_(speakers);
}

}  // namespace banter::models
