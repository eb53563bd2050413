#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/transformer/layer_stack.h"
#include "models/layers/transformer/looked.h"
#include "models/layers/transformer/padded_rows.h"
#include "models/layers/transformer/transformer_layer.h"

namespace banter::models {

/// Layers on top of each other: an encoder, or a decoder that reads a memory.
class TransformerStackImpl : public LayerStack {
 public:
  /// Requires layers >= 1.
  TransformerStackImpl(const TransformerOptions& options, std::int64_t layers, bool reads_memory,
                       bool drops_input = true);

  /// As an encoder: every token sees all of its row. Shapes   x (P,D) token vectors -> (P,D)
  torch::Tensor forward(const torch::Tensor& x, const PaddedRows& rows);

  /// As a decoder: a token sees those before it, and a memory, whose rows are packed in the same
  /// order; weights are the last layer's.
  TransformerLayerImpl::Seen forward(const torch::Tensor& x, const PaddedRows& rows,
                                     const torch::Tensor& memory, const PaddedRows& memory_rows,
                                     bool with_weights = false);

  /// What steps read of a memory, by layer. Shapes   memory (R,D)
  std::vector<KeysValues> read_memory(const torch::Tensor& memory);

  struct Step {
    torch::Tensor vectors;             ///< (N,D)
    torch::Tensor weights;             ///< (N,J): of the last layer
    std::vector<torch::Tensor> slots;  ///< (N,C,D): keys, values of each layer
  };
  /// One token more in each of N rows. Shapes   x (N,D); length (N) int64: tokens before it; slots
  /// as they come out, (N,0,D) at first
  Step step(const torch::Tensor& x, const torch::Tensor& length,
            std::span<const torch::Tensor> slots, const Looked& memory);
  /// The last layer's vectors of all tokens of some rows, bit for bit those of one step after the
  /// other. Shapes   x (P,D), packed as `rows` says, P queries of `memory`; returns (P,D)
  torch::Tensor all_steps(const torch::Tensor& x, const PaddedRows& rows, const Looked& memory);

  [[nodiscard]] std::int64_t layers() const { return static_cast<std::int64_t>(layers_.size()); }

 private:
  std::vector<TransformerLayer> layers_;
};
TORCH_MODULE(TransformerStack);

}  // namespace banter::models
