#pragma once

#include <memory>
#include <optional>

#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/transformer/feed_forward.h"
#include "models/layers/transformer/multi_head_attention.h"
#include "models/layers/transformer/residual_layer.h"
#include "models/layers/transformer/step_slots.h"

namespace banter::models {

/// One layer: self-attention, then attention to a memory where it has one, then feed-forward; each
/// with a residual and a layer norm.
///
/// Source   Vaswani et al. 2017, arXiv:1706.03762, section 3.1
class TransformerLayerImpl : public ResidualLayer {
 public:
  TransformerLayerImpl(const TransformerOptions& options, std::shared_ptr<Positions> positions,
                       bool reads_memory);

  struct Seen {
    torch::Tensor vectors;  ///< (P,D)
    torch::Tensor weights;  ///< (P,J): of the memory's rows, mean over the heads; or undefined
  };
  /// A memory as all tokens of a batch see it.
  struct Memory {
    const torch::Tensor& vectors;  ///< (R,D)
    const AttentionRows& rows;     ///< the tokens' rows over it
    torch::Tensor index;           ///< (P,J): its tokens that each token sees, for the weights; or
                                   ///< undefined: they are not asked for
  };
  /// All tokens at once; with a memory a token sees none behind it.
  /// Shapes   x (P,D); rows: among themselves; places: in their rows
  Seen forward(const torch::Tensor& x, const AttentionRows& rows, const Places& places,
               const std::optional<Memory>& memory);

  /// The keys and values of a memory, for steps. Shapes   memory (R,D)
  KeysValues read_memory(const torch::Tensor& memory);

  struct Step {
    torch::Tensor vectors;       ///< (N,D)
    torch::Tensor weights;       ///< (N,J)
    torch::Tensor keys, values;  ///< (N,C,D): with the new tokens in them
  };
  /// One token more in each row. Shapes   x (N,D); keys, values (N,C',D) of the tokens before;
  /// memory_index (N,J) int64 rows of `memory`, -1 = none
  Step step(const torch::Tensor& x, const StepSlots& slots, const torch::Tensor& keys,
            const torch::Tensor& values, const KeysValues& memory,
            const torch::Tensor& memory_index);

 private:
  MultiHeadAttention attention_{nullptr};
  torch::nn::LayerNorm attention_norm_{nullptr};
  MultiHeadAttention cross_attention_{nullptr};  ///< when it reads a memory
  torch::nn::LayerNorm cross_attention_norm_{nullptr};
  FeedForward feed_forward_{nullptr};
  torch::nn::LayerNorm feed_forward_norm_{nullptr};
};
TORCH_MODULE(TransformerLayer);

}  // namespace banter::models
