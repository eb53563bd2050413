#pragma once

#include <cstdint>

#include <torch/torch.h>

#include "models/layers/step_linear.h"

namespace banter::models {

struct LabelFit {
  torch::Tensor nll;      ///< (P): -log p(label), nats
  torch::Tensor correct;  ///< (P) bool: the label is the (first) arg max
};

/// The map from states to the vocabulary.
class OutputLayerImpl : public torch::nn::Module {
 public:
  OutputLayerImpl(std::int64_t input_dim, std::int64_t vocab_size);
  /// Tied to the embedding's `table` (V,E), which stays the embedding's parameter. A matrix without
  /// bias stands before it where E is not `input_dim`.
  OutputLayerImpl(std::int64_t input_dim, const torch::Tensor& table);

  /// Sum over the rows of -log softmax(x W^T + b)[label].
  /// Shapes   x (P,D), labels (P) int64 in [0,V); returns a scalar, differentiable
  /// Throws   ShapeError
  /// Cost     the (P,V) table exists a chunk of rows at a time; its gradient is made in its place
  torch::Tensor nll_sum(const torch::Tensor& x, const torch::Tensor& labels);

  /// The same for each label, without gradient.
  LabelFit fit(const torch::Tensor& x, const torch::Tensor& labels);

  /// Logits of a step. Shapes   x (N,D) -> (N,V)
  torch::Tensor logits(const torch::Tensor& x);

  torch::Tensor weight;  ///< (V,D), or the embedding's (V,E)
  torch::Tensor bias;    ///< (V)
  const bool is_tied;    ///< `weight` is not this layer's own

 private:
  void register_others();
  torch::nn::Linear project_{nullptr};  ///< D -> E
  StepLinear step_{nullptr}, step_project_{nullptr};
};
TORCH_MODULE(OutputLayer);

}  // namespace banter::models
