#include "models/layers/transformer/transformer_layer.h"

#include <utility>

namespace banter::models {

TransformerLayerImpl::TransformerLayerImpl(const TransformerOptions& o,
                                           std::shared_ptr<Positions> positions, bool reads_memory)
    : ResidualLayer(o) {
  const AttentionOptions attention{.dim = o.dim, .heads = o.heads, .projections = o.projections};
  attention_ = register_module("attention", MultiHeadAttention(attention, std::move(positions)));
  attention_norm_ = add_norm("attention_norm");
  if (reads_memory) {
    cross_attention_ = register_module("cross_attention", MultiHeadAttention(attention));
    cross_attention_norm_ = add_norm("cross_attention_norm");
  }
  feed_forward_ = register_module("feed_forward",
                                  FeedForward(FeedForwardOptions{.dim = o.dim,
                                                                 .hidden_dim = o.ffn_dim,
                                                                 .activation = o.activation,
                                                                 .dropout = o.activation_dropout}));
  feed_forward_norm_ = add_norm("feed_forward_norm");
}

TransformerLayerImpl::Seen TransformerLayerImpl::forward(const torch::Tensor& x,
                                                         const AttentionRows& rows,
                                                         const Places& places,
                                                         const std::optional<Memory>& memory) {
  Seen seen;
  seen.vectors = with_residual(attention_norm_, x, [&](const torch::Tensor& y) {
    return attention_->forward(y, attention_->read(y, places), rows, memory.has_value(), places);
  });
  if (memory) {
    seen.vectors = with_residual(cross_attention_norm_, seen.vectors, [&](const torch::Tensor& y) {
      const auto read = read_memory(memory->vectors);
      if (!memory->index.defined())
        return cross_attention_->forward(y, read, memory->rows, /*causal=*/false);
      const auto looked = cross_attention_->look(y, read, memory->index);
      seen.weights = looked.weights;
      return looked.vectors;
    });
  }
  seen.vectors = with_residual(feed_forward_norm_, seen.vectors,
                               [&](const torch::Tensor& y) { return feed_forward_->forward(y); });
  return seen;
}

KeysValues TransformerLayerImpl::read_memory(const torch::Tensor& memory) {
  return cross_attention_->read(memory);
}

TransformerLayerImpl::Step TransformerLayerImpl::step(
    const torch::Tensor& x, const StepSlots& slots, const torch::Tensor& keys,
    const torch::Tensor& values, const KeysValues& memory, const torch::Tensor& memory_index) {
  Step step;
  step.vectors = with_residual(attention_norm_, x, [&](const torch::Tensor& y) {
    auto own = attention_->step(y, slots, keys, values);
    step.keys = std::move(own.keys);
    step.values = std::move(own.values);
    return own.vectors;
  });
  step.vectors = with_residual(cross_attention_norm_, step.vectors, [&](const torch::Tensor& y) {
    const auto looked = cross_attention_->look(y, memory, memory_index);
    step.weights = looked.weights;
    return looked.vectors;
  });
  step.vectors = with_residual(feed_forward_norm_, step.vectors,
                               [&](const torch::Tensor& y) { return feed_forward_->step(y); });
  return step;
}

}  // namespace banter::models
