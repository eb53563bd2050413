#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "train/options.h"

namespace banter::train {

/// The learning rate of update `step` (the first is 1): a pure function, so nothing is saved.
///
/// Math     rises to lr over w = warmup_steps: lr * step / w. Behind it, with x the share of
///          schedule_steps - w that has passed (at most 1) and f = final_lr_share:
///          constant      lr
///          inverse_sqrt  lr * sqrt(max(w, 1) / step)
///          cosine        lr * (f + (1 - f) * (1 + cos(pi x)) / 2)
///          linear        lr * (f + (1 - f) * (1 - x))
/// Source   Vaswani et al. 2017, arXiv:1706.03762, 5.3 (inverse_sqrt); Loshchilov and Hutter 2017,
///          arXiv:1608.03983, eq. (5) (cosine, without restarts)
inline double learning_rate(const TrainOptions& o, std::int64_t step) {
  const auto now = static_cast<double>(step);
  const auto warmup = static_cast<double>(o.warmup_steps);
  if (step < o.warmup_steps) return o.lr * now / warmup;
  if (o.schedule == "inverse_sqrt") return o.lr * std::sqrt(std::max(warmup, 1.0) / now);
  if (o.schedule == "constant") return o.lr;
  const auto length = std::max(static_cast<double>(o.schedule_steps) - warmup, 1.0);
  const auto passed = std::min((now - warmup) / length, 1.0);
  const auto left =
      o.schedule == "cosine" ? (1 + std::cos(std::numbers::pi * passed)) / 2 : 1 - passed;
  return o.lr * (o.final_lr_share + (1 - o.final_lr_share) * left);
}

}  // namespace banter::train
