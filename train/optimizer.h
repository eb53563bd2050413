#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <torch/types.h>

#include "train/arena.h"
#include "train/options.h"

namespace banter::train {

/// AdamW, Adam or SGD over the flat arena, as `train.optimizer` says: one fused call a range.
///
/// Math     g = gradient, p = parameters, wd = weight decay of the range (0 for vectors),
///          t = the range's updates, this one counted
///          adamw  p = p - lr wd p;  then adam's step without its wd
///          adam   g = g + wd p;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2
///                 p = p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
///          sgd    g = g + wd p;  u = momentum u + g (u = g at t = 1);  p = p - lr u, or with
///                 nesterov p = p - lr (g + momentum u)
/// Source   Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2 (adamw); Kingma and Ba 2015,
///          arXiv:1412.6980, algorithm 1 (adam), wd as an L2 term; Sutskever et al. 2013, section 2
///          (momentum, nesterov) in torch's form, where lr is outside of u; all equal to torch's
class Optimizer {
 public:
  /// `arena` must outlive it.
  Optimizer(Arena& arena, const TrainOptions& options);

  /// Updates the ranges that are active at `step` and counts it for them. Their gradients are
  /// divided by `shorten` first, in the same pass.
  void update(std::int64_t step, double lr, double shorten = 1);

  /// What it remembers, by parameter name: "first.<name>" and "second.<name>" of adamw and adam,
  /// "momentum.<name>" of sgd; of sgd without momentum nothing. Views, not copies.
  [[nodiscard]] std::map<std::string, torch::Tensor> moments() const;
  /// Takes moments back. Throws   CheckpointError when names, shapes or dtypes disagree, or a value
  /// is not finite; then nothing was taken
  void set_moments(const std::map<std::string, torch::Tensor>& saved);

 private:
  void adam(const Range& range, double lr, double weight_decay,
            const std::optional<torch::Tensor>& divisor);
  void sgd(const Range& range, double lr, double weight_decay,
           const std::optional<torch::Tensor>& divisor);

  Arena& arena_;
  TrainOptions options_;
  torch::Tensor first_, second_, momentum_;  ///< (P) float32 each; those that are not used: none
};

/// Weights averaged over steps, flat like the arena.
///
/// Math     average = d * average + (1 - d) * values, d = min(decay, (1 + t) / (10 + t)) after
///          update t (from 1): a short memory at first, so that the start is forgotten
/// Source   Polyak and Juditsky 1992 (averaging); the ramp as in TensorFlow's
///          ExponentialMovingAverage with num_updates
class AveragedWeights {
 public:
  AveragedWeights(const Arena& arena, double decay)
      : decay_(decay), flat_(arena.values.detach().clone()) {}

  void update(const Arena& arena, std::int64_t step);
  [[nodiscard]] const torch::Tensor& flat() const { return flat_; }  ///< (P) float32

 private:
  double decay_;
  torch::Tensor flat_;
};

}  // namespace banter::train
