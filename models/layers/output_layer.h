#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include "models/layers/step_linear.h"
#include "models/layers/step_screen.h"

namespace banter::models {

struct LabelFit {
  torch::Tensor nll;      ///< (P): -log p(label), nats
  torch::Tensor correct;  ///< (P) bool: the label is the (first) arg max
};

/// What a label that should not be said costs.
enum class Unlikelihood : std::uint8_t {
  kLog1mp,         ///< -ln(1 - p(label))
  kNegatedLogits,  ///< -ln softmax(-z)[label], another function: rivals with low logits compete
};

/// How much of a label's probability stands for all ids but one, in equal parts.
///
/// Source   Szegedy et al. 2016, arXiv:1512.00567, section 7; differs: padding, which is never
/// said,
///          has no part of it
struct LabelSmoothing {
  double share = 0;          ///< in [0, 1); 0 = labels as they are
  std::int64_t padding = 0;  ///< the id without a part
};

/// What labels cost when they are smoothed, and as they are.
struct SmoothedSum {
  torch::Tensor smoothed;  ///< scalar, nats, differentiable
  torch::Tensor nll;       ///< scalar, nats, without gradient
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

  /// Sums over the rows of cross-entropies with smoothed labels, and with the labels themselves.
  ///
  /// Math     smoothed = (1 - e) nll - e mean of log p over the V - 1 ids that are not padding,
  ///          e = `smoothing.share`
  /// Shapes   x (P,D), labels (P) int64 in [0,V)
  /// Throws   ShapeError
  /// Cost     that of nll_sum and one more pass over the (P,V) table
  SmoothedSum smoothed_sum(const torch::Tensor& x, const torch::Tensor& labels);

  /// Sum over the rows of what a label costs that should not be said: bounded gradients, and finite
  /// however sure the model is.
  ///
  /// Math     -ln(1 - p_y) = log(1 + exp(z_y - logsumexp_{v != y} z_v)), of logits z
  /// Shapes   x (P,D), labels (P) int64 in [0,V); returns a scalar, differentiable
  /// Source   Welleck et al. 2019, arXiv:1908.04319, eq. (4), for labels in a negative candidate's
  ///          place; kNegatedLogits: the released code of arXiv:2106.06169
  torch::Tensor unlikelihood_sum(const torch::Tensor& x, const torch::Tensor& labels,
                                 Unlikelihood form);

  /// -log p and arg max of each label, without gradient.
  LabelFit fit(const torch::Tensor& x, const torch::Tensor& labels);

  /// Logits of a step. Shapes   x (N,D) -> (N,V)
  torch::Tensor logits(const torch::Tensor& x);

  /// Of the same rows what can be the arg max, as `logits` has it, for a quarter of its memory and
  /// less of its time. No candidates where they are too many or numbers are not finite, and where
  /// `StepScreen` screens no row.
  /// Shapes   x (N,D)
  std::vector<ScreenedRow> screen(const torch::Tensor& x);

  torch::Tensor weight;      ///< (V,D), or the embedding's (V,E)
  torch::Tensor bias;        ///< (V)
  const bool is_tied;        ///< `weight` is not this layer's own
  LabelSmoothing smoothing;  ///< of replies' labels in training; no part of a checkpoint

 private:
  void register_others();
  torch::Tensor projected(const torch::Tensor& states, const torch::Tensor& labels);
  torch::nn::Linear project_{nullptr};  ///< D -> E
  torch::Tensor step_projected(const torch::Tensor& x);
  StepLinear step_{nullptr}, step_project_{nullptr};
  StepScreen step_screen_{nullptr};
};
TORCH_MODULE(OutputLayer);

}  // namespace banter::models
