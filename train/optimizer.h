#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <torch/torch.h>

#include "train/arena.h"
#include "train/options.h"

namespace banter::train {

/// AdamW over the flat arena: one fused call a range.
///
/// Math     m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;  p = p - lr * wd * p
///          p = p - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), t = the range's updates
/// Source   Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2; equal to torch's AdamW
class AdamW {
 public:
  /// `arena` must outlive it.
  AdamW(Arena& arena, const TrainOptions& options);

  /// Updates the ranges that are active at `step` and counts it for them.
  void update(std::int64_t step, double lr);

  /// Both moments by parameter name: "first.<name>", "second.<name>". Views, not copies.
  [[nodiscard]] std::map<std::string, torch::Tensor> moments() const;
  /// Takes moments back. Throws   CheckpointError when names, shapes or dtypes disagree, or a value
  /// is not finite; then nothing was taken
  void set_moments(const std::map<std::string, torch::Tensor>& saved);

 private:
  Arena& arena_;
  TrainOptions options_;
  torch::Tensor first_, second_;  ///< (P) float32
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
