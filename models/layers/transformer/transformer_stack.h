#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <torch/torch.h>

#include "models/layers/transformer/padded_rows.h"
#include "models/layers/transformer/transformer_layer.h"

namespace banter::models {

/// Layers on top of each other, with what stands before the first and behind the last of them: an
/// encoder, or a decoder that reads a memory.
///
/// Math     x_0 = [norm](sqrt(D) e + position), with dropout; the layers; [norm]
class TransformerStackImpl : public torch::nn::Module {
 public:
  /// Requires layers >= 1. `drops_input`: dropout before the first layer; not where the vectors
  /// come with theirs.
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
  /// as they come out, (N,0,D) at first; memory_index (N,J) int64 rows of `memory`, -1 = none
  Step step(const torch::Tensor& x, const torch::Tensor& length,
            std::span<const torch::Tensor> slots, const std::vector<KeysValues>& memory,
            const torch::Tensor& memory_index);

 private:
  torch::Tensor first(const torch::Tensor& x, const Places& places);
  torch::Tensor last(const torch::Tensor& x);

  double scale_;  ///< of token vectors
  std::shared_ptr<Positions> positions_;
  torch::nn::LayerNorm embedding_norm_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  std::vector<TransformerLayer> layers_;
  torch::nn::LayerNorm norm_{nullptr};  ///< behind the last layer
};
TORCH_MODULE(TransformerStack);

}  // namespace banter::models
