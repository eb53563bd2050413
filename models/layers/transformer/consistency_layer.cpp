#include "models/layers/transformer/consistency_layer.h"

#include <utility>

namespace banter::models {
namespace {

FeedForward feed_forward_of(const TransformerOptions& o) {
  return FeedForward(FeedForwardOptions{.dim = o.dim,
                                        .hidden_dim = o.ffn_dim,
                                        .activation = o.activation,
                                        .dropout = o.activation_dropout});
}

}  // namespace

ConsistencyLayerImpl::ConsistencyLayerImpl(const TransformerOptions& o,
                                           const ConsistencyOptions& consistency,
                                           const std::shared_ptr<Positions>& positions)
    : ResidualLayer(o), is_self_attended_(consistency.persona == "self_attended") {
  const AttentionOptions attention{.dim = o.dim, .heads = o.heads, .projections = o.projections};
  const auto add_attention = [&](const std::string& name) {
    return register_module(name, MultiHeadAttention(attention));
  };
  if (consistency.self == "causal") {
    attention_ = register_module("attention", MultiHeadAttention(attention, positions));
    attention_norm_ = add_norm("attention_norm");
  }
  if (consistency.shared_cross) {
    persona_attention_ = draft_attention_ = add_attention("cross_attention");
    persona_attention_norm_ = draft_attention_norm_ = add_norm("cross_attention_norm");
  } else {
    persona_attention_ = add_attention("persona_attention");
    persona_attention_norm_ = add_norm("persona_attention_norm");
    draft_attention_ = add_attention("draft_attention");
    draft_attention_norm_ = add_norm("draft_attention_norm");
  }
  if (consistency.ffn == "each") {
    persona_feed_forward_ = register_module("persona_feed_forward", feed_forward_of(o));
    persona_feed_forward_norm_ = add_norm("persona_feed_forward_norm");
  }
  feed_forward_ = register_module("feed_forward", feed_forward_of(o));
  feed_forward_norm_ = add_norm("feed_forward_norm");
}

/// The feed-forward part between the persona and the draft, where there is one.
template <typename Apply>
torch::Tensor ConsistencyLayerImpl::between(const torch::Tensor& x, const Apply& apply) {
  return persona_feed_forward_.is_empty()
             ? x
             : with_residual(persona_feed_forward_norm_, x, [&](const torch::Tensor& y) {
                 return apply(*persona_feed_forward_, y);
               });
}

ConsistencyLayerImpl::Seen ConsistencyLayerImpl::forward(const torch::Tensor& x,
                                                         const AttentionRows& among,
                                                         const Places& places,
                                                         const Persona* persona,
                                                         const Draft* draft) {
  Seen seen{x, {}};
  if (has_self())
    seen.vectors = with_residual(attention_norm_, x, [&](const torch::Tensor& y) {
      return attention_->forward(y, attention_->read(y, places), among, /*causal=*/true, places);
    });
  if (persona != nullptr)
    seen.vectors =
        with_residual(persona_attention_norm_, seen.vectors, [&](const torch::Tensor& y) {
          const auto read = read_persona(persona->vectors, persona->places, persona->among);
          if (!persona->index.defined())
            return persona_attention_->forward(y, read, persona->over, /*causal=*/false);
          const auto looked = persona_attention_->look(y, read, persona->index);
          seen.weights = looked.weights;
          return looked.vectors;
        });
  seen.vectors = between(
      seen.vectors, [](FeedForwardImpl& part, const torch::Tensor& y) { return part.forward(y); });
  if (draft != nullptr)
    seen.vectors = with_residual(draft_attention_norm_, seen.vectors, [&](const torch::Tensor& y) {
      return draft_attention_->forward(y, draft_attention_->read(draft->vectors), draft->over,
                                       draft->is_causal);
    });
  seen.vectors = with_residual(feed_forward_norm_, seen.vectors,
                               [&](const torch::Tensor& y) { return feed_forward_->forward(y); });
  return seen;
}

KeysValues ConsistencyLayerImpl::read_persona(const torch::Tensor& vectors, const Places& places,
                                              const AttentionRows& among) {
  if (!is_self_attended_) return persona_attention_->read(vectors);
  return persona_attention_->read(
      with_residual(attention_norm_, vectors, [&](const torch::Tensor& y) {
        return attention_->forward(y, attention_->read(y, places), among, /*causal=*/false, places);
      }));
}

KeysValues ConsistencyLayerImpl::read_draft(const torch::Tensor& r1) {
  return draft_attention_->read_step(r1);
}

ConsistencyLayerImpl::Step ConsistencyLayerImpl::step(const torch::Tensor& x,
                                                      const StepSlots& slots,
                                                      const torch::Tensor& keys,
                                                      const torch::Tensor& values,
                                                      const View& persona, const View& draft) {
  Step step{.vectors = x, .weights = {}, .keys = {}, .values = {}};
  if (has_self())
    step.vectors = with_residual(attention_norm_, x, [&](const torch::Tensor& y) {
      auto own = attention_->step(y, slots, keys, values);
      step.keys = std::move(own.keys);
      step.values = std::move(own.values);
      return own.vectors;
    });
  step.vectors = with_residual(persona_attention_norm_, step.vectors, [&](const torch::Tensor& y) {
    const auto looked = persona_attention_->look(y, persona.rows, persona.index);
    step.weights = looked.weights;
    return looked.vectors;
  });
  step.vectors = between(
      step.vectors, [](FeedForwardImpl& part, const torch::Tensor& y) { return part.step(y); });
  step.vectors = with_residual(draft_attention_norm_, step.vectors, [&](const torch::Tensor& y) {
    return draft_attention_->look(y, draft.rows, draft.index).vectors;
  });
  step.vectors = with_residual(feed_forward_norm_, step.vectors,
                               [&](const torch::Tensor& y) { return feed_forward_->step(y); });
  return step;
}

}  // namespace banter::models
