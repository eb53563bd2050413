#include "train/fall_back.h"

#include <algorithm>

namespace banter::train {
namespace {

constexpr std::int64_t kFewestLosses = 20, kMostLosses = 100;  // in the running average

}  // namespace

FallBack after_loss(const TrainOptions& o, FallBack seen, double loss) {
  if (seen.losses >= kFewestLosses && loss > o.fall_back_loss * seen.loss) {
    ++seen.high_in_a_row;
    return seen;
  }
  seen.high_in_a_row = 0;
  seen.losses = std::min(seen.losses + 1, kMostLosses);
  seen.loss += (loss - seen.loss) / static_cast<double>(seen.losses);
  return seen;
}

FallBack after_save(FallBack seen, std::int64_t step) {
  if (seen.last != step) seen.good = std::max(seen.good, seen.last);
  seen.last = step;
  return seen;
}

FallBack gone_back(const TrainOptions& o, const FallBack& before, FallBack then,
                   std::int64_t step) {
  then.count = before.count + 1;
  then.factor = before.factor * o.fall_back_factor;
  then.good = then.last = step;
  then.high_in_a_row = 0;
  return then;
}

bool may_fall_back(const TrainOptions& o, const TrainState& state) {
  return state.fall_back && state.fall_back->count < o.max_fall_backs &&
         state.fall_back->target() > 0;
}

std::string advice(const TrainOptions& o, const TrainState& state, const std::string& run) {
  std::string fallen;
  if (o.max_fall_backs > 0 && state.fall_back)
    fallen = state.fall_back->count > 0
                 ? ", and the run has fallen back " + std::to_string(state.fall_back->count) +
                       " times (train.max_fall_backs)"
                 : ", and there was no checkpoint yet to fall back to";
  return fallen + "; lower train.lr or " + (o.clip_norm > 0 ? "lower" : "set") +
         " train.clip_norm, and begin anew with --restart or in another `run` folder (the "
         "checkpoints of " +
         run + " are as they were)";
}

}  // namespace banter::train
