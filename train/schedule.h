#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "train/options.h"
#include "train/state.h"

namespace banter::train {

/// The learning rate of update `step` (the first is 1), where schedule `plateau` has come to
/// `factor` so far: a pure function of both.
///
/// Math     rises to lr over w = warmup_steps: lr * step / w. Behind it, with x the share of
///          schedule_steps - w that has passed (at most 1) and f = final_lr_share:
///          constant      lr
///          inverse_sqrt  lr * sqrt(max(w, 1) / step)
///          cosine        lr * (f + (1 - f) * (1 + cos(pi x)) / 2)
///          linear        lr * (f + (1 - f) * (1 - x))
///          one_cycle     as cosine, but rises by lr * (s + (1 - s) * (1 - cos(pi step / w)) / 2),
///                        s = start_lr_share
///          plateau       lr * factor; in the warm-up the rise times factor
/// Source   Vaswani et al. 2017, arXiv:1706.03762, 5.3 (inverse_sqrt); Loshchilov and Hutter 2017,
///          arXiv:1608.03983, eq. (5) (cosine, without restarts); Smith and Topin 2018,
///          arXiv:1708.07120 (one_cycle); differs: half cosines as in torch's OneCycleLR, and no
///          cycle of the momentum
inline double learning_rate(const TrainOptions& o, std::int64_t step, double factor = 1) {
  const auto now = static_cast<double>(step);
  const auto warmup = static_cast<double>(o.warmup_steps);
  const auto half_cosine = [](double x) { return (1 + std::cos(std::numbers::pi * x)) / 2; };
  if (step < o.warmup_steps && o.schedule == "one_cycle")
    return o.lr * (o.start_lr_share + (1 - o.start_lr_share) * half_cosine(1 - now / warmup));
  if (step < o.warmup_steps) return o.lr * now / warmup * factor;
  if (o.schedule == "inverse_sqrt") return o.lr * std::sqrt(std::max(warmup, 1.0) / now);
  if (o.schedule == "constant") return o.lr;
  if (o.schedule == "plateau") return o.lr * factor;
  const auto length = std::max(static_cast<double>(o.schedule_steps) - warmup, 1.0);
  const auto passed = std::min((now - warmup) / length, 1.0);
  const auto left = o.schedule == "linear" ? 1 - passed : half_cosine(passed);
  return o.lr * (o.final_lr_share + (1 - o.final_lr_share) * left);
}

/// The same of update `step` of a run that has come to `state`: lower where it fell back.
inline double learning_rate(const TrainOptions& o, std::int64_t step, const TrainState& state) {
  const auto rate = learning_rate(o, step, state.plateau ? state.plateau->factor : 1.0);
  return state.fall_back ? rate * state.fall_back->factor : rate;
}

/// What the schedule `plateau` has seen after one more validation that was due, where the first
/// metric of keep_best had `value`: a new best is remembered; without one for more than
/// plateau_patience validations in a row the factor is multiplied by plateau_factor, down to
/// final_lr_share, and they are counted anew. NaN is no new best.
/// Source   torch's ReduceLROnPlateau with threshold 0 and no cooldown
inline Plateau after_validation(const TrainOptions& o, Plateau seen, double value) {
  const auto& metric = o.keep_best.front();
  if (!std::isnan(value) && (!seen.best || is_better(metric, value, *seen.best))) {
    seen.best = value;
    seen.bad = 0;
  } else if (++seen.bad > o.plateau_patience) {
    seen.factor = std::max(seen.factor * o.plateau_factor, o.final_lr_share);
    seen.bad = 0;
  }
  return seen;
}

}  // namespace banter::train
