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

  /// Sum over the rows of -log softmax(x W^T + b)[label].
  /// Shapes   x (P,D), labels (P) int64 in [0,V); returns a scalar, differentiable
  /// Throws   ShapeError
  /// Cost     the (P,V) table exists a chunk of rows at a time; its gradient is made in its place
  torch::Tensor nll_sum(const torch::Tensor& x, const torch::Tensor& labels);

  /// The same for each label, without gradient.
  LabelFit fit(const torch::Tensor& x, const torch::Tensor& labels);

  /// Logits of a step. Shapes   x (N,D) -> (N,V)
  torch::Tensor logits(const torch::Tensor& x);

  torch::Tensor weight;  ///< (V,D)
  torch::Tensor bias;    ///< (V)

 private:
  StepLinear step_{nullptr};
};
TORCH_MODULE(OutputLayer);

}  // namespace banter::models
