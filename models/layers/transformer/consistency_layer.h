#pragma once

#include <memory>
#include <string>

#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/transformer/feed_forward.h"
#include "models/layers/transformer/multi_head_attention.h"
#include "models/layers/transformer/residual_layer.h"
#include "models/layers/transformer/step_slots.h"

namespace banter::models {

/// How a ConsistencyLayer is built, beside what every Transformer layer is made by.
struct ConsistencyOptions {
  std::string self = "causal";       ///< causal|none: whether a token sees those before it
  std::string persona = "embedded";  ///< embedded|self_attended: what is seen of the persona
  bool shared_cross = false;  ///< one attention for the persona and for the draft decoder's states
  std::string ffn = "each";   ///< each|last: a feed-forward part behind both of them, or one in all
};

/// One layer of the consistency decoder: self-attention, attention to the persona, feed-forward,
/// attention to the draft decoder's states R1, feed-forward; each with a residual and a norm.
///
/// Math     x = self(r2)        p = FFN(attend(x -> persona))        r2' = FFN(attend(p -> R1))
/// Source   Song et al. 2021, arXiv:2106.06169, equations of the response decoder D2; differs:
///          self-attention (as in its released code), and padding is never attended
class ConsistencyLayerImpl : public ResidualLayer {
 public:
  ConsistencyLayerImpl(const TransformerOptions& options, const ConsistencyOptions& consistency,
                       const std::shared_ptr<Positions>& positions);

  /// The persona of each row of tokens.
  struct Persona {
    const torch::Tensor& vectors;  ///< (Q,D): of its tokens, as they are before the first layer
    const Places& places;          ///< (Q)
    const AttentionRows& among;    ///< its tokens among themselves
    const AttentionRows& over;     ///< the tokens' rows over it
    torch::Tensor index;           ///< (P,J): what each token sees of it, when weights are asked
                                   ///< for; or undefined
  };
  /// R1 of each row of tokens.
  struct Draft {
    const torch::Tensor& vectors;  ///< (R,D)
    const AttentionRows& over;     ///< the tokens' rows over it
    bool is_causal = true;         ///< a token sees the states up to its own place; else all
  };
  struct Seen {
    torch::Tensor vectors;  ///< (P,D)
    torch::Tensor weights;  ///< (P,J): of the persona's tokens, mean over the heads; or undefined
  };
  /// All tokens at once. A persona or a draft that is not given is passed over.
  /// Shapes   x (P,D); among: themselves; places (P): in their rows
  Seen forward(const torch::Tensor& x, const AttentionRows& among, const Places& places,
               const Persona* persona, const Draft* draft);

  /// What steps read of a persona. Shapes   vectors (Q,D), places (Q)
  KeysValues read_persona(const torch::Tensor& vectors, const Places& places,
                          const AttentionRows& among);
  /// What steps read of R1, by products that company does not change. Shapes   r1 (N,D)
  KeysValues read_draft(const torch::Tensor& r1);

  /// Rows that the tokens of a step look at. Shapes   index (N,J) int64 rows, -1 = none
  struct View {
    const KeysValues& rows;
    const torch::Tensor& index;
  };
  struct Step {
    torch::Tensor vectors;       ///< (N,D)
    torch::Tensor weights;       ///< (N,J): of the persona's tokens
    torch::Tensor keys, values;  ///< (N,C,D): with the new tokens; undefined without self-attention
  };
  /// One token more in each row. Shapes   x (N,D); keys, values (N,C',D) of the tokens before, or
  /// undefined without self-attention
  Step step(const torch::Tensor& x, const StepSlots& slots, const torch::Tensor& keys,
            const torch::Tensor& values, const View& persona, const View& draft);

  [[nodiscard]] bool has_self() const { return !attention_.is_empty(); }

 private:
  template <typename Apply>
  torch::Tensor between(const torch::Tensor& x, const Apply& apply);

  bool is_self_attended_;  ///< the persona
  MultiHeadAttention attention_{nullptr};
  torch::nn::LayerNorm attention_norm_{nullptr};
  MultiHeadAttention persona_attention_{nullptr}, draft_attention_{nullptr};  ///< may be one
  torch::nn::LayerNorm persona_attention_norm_{nullptr}, draft_attention_norm_{nullptr};
  FeedForward persona_feed_forward_{nullptr};  ///< unless there is one in all
  torch::nn::LayerNorm persona_feed_forward_norm_{nullptr};
  FeedForward feed_forward_{nullptr};
  torch::nn::LayerNorm feed_forward_norm_{nullptr};
};
TORCH_MODULE(ConsistencyLayer);

}  // namespace banter::models
