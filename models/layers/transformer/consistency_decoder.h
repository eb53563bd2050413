#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/transformer/consistency_layer.h"
#include "models/layers/transformer/layer_stack.h"
#include "models/layers/transformer/looked.h"
#include "models/layers/transformer/padded_rows.h"

namespace banter::models {

/// The consistency decoder D2: reads a reply's tokens, the persona and the draft decoder's states
/// R1, and nothing else of the context.
class ConsistencyDecoderImpl : public LayerStack {
 public:
  /// Requires layers >= 1.
  ConsistencyDecoderImpl(const TransformerOptions& options, const ConsistencyOptions& consistency,
                         std::int64_t layers);

  struct Persona {
    torch::Tensor vectors;  ///< (Q,D): what `first` made of its tokens
    PaddedRows rows;
  };
  struct Draft {
    torch::Tensor vectors;  ///< (R,D): R1, or what stands for it
    PaddedRows rows;
    bool is_causal = true;  ///< a token sees the states up to its own place; else all
  };
  /// All tokens at once; all rows are packed in one order. A persona or a draft that is not given
  /// is passed over. Shapes   x (P,D): what `first` made of the tokens; weights (P,J): of the
  /// persona's tokens in the last layer, when asked for
  ConsistencyLayerImpl::Seen forward(const torch::Tensor& x, const PaddedRows& rows,
                                     const std::optional<Persona>& persona,
                                     const std::optional<Draft>& draft, bool with_weights = false);

  /// What steps read of a persona, by layer.
  std::vector<KeysValues> read_persona(const Persona& persona);
  /// What steps read of R1, by layer. Shapes   r1 (N,D)
  std::vector<KeysValues> read_draft(const torch::Tensor& r1);

  struct Step {
    torch::Tensor vectors;             ///< (N,D)
    torch::Tensor weights;             ///< (N,J): of the persona's tokens in the last layer
    std::vector<torch::Tensor> slots;  ///< (N,C,D): keys, values of each self-attention
  };
  /// One token more in each of N rows. Shapes   x (N,D) token vectors; length (N) int64: tokens
  /// before it; slots as they come out, (N,0,D) at first
  Step step(const torch::Tensor& x, const torch::Tensor& length,
            std::span<const torch::Tensor> slots, const Looked& persona, const Looked& draft);

  [[nodiscard]] std::size_t layers() const { return layers_.size(); }
  [[nodiscard]] std::size_t slots() const {  ///< of a state: keys and values of each self-attention
    return layers_.front()->has_self() ? 2 * layers_.size() : 0;
  }

 private:
  std::vector<ConsistencyLayer> layers_;
};
TORCH_MODULE(ConsistencyDecoder);

}  // namespace banter::models
