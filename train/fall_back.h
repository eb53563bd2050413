#pragma once

#include <cstdint>
#include <string>

#include "train/options.h"
#include "train/state.h"

namespace banter::train {

/// What a run knows behind a step whose loss was finite, in nats by the model's weights: a loss
/// above `fall_back_loss` times the running average is counted, one below enters the average. The
/// first 20 always do, and it remembers about 100.
FallBack after_loss(const TrainOptions& o, FallBack seen, double loss);

/// The same at a checkpoint that is due, which may be written more than once. The one before it is
/// good by now.
FallBack after_save(FallBack seen, std::int64_t step);

/// What it knows when it has gone back to the checkpoint of `step`, which knew `then`, from where
/// it knew `before`. High losses are counted anew: those to come are of another rate.
FallBack gone_back(const TrainOptions& o, const FallBack& before, FallBack then, std::int64_t step);

/// Whether a run that diverges may go back, and has somewhere to go.
bool may_fall_back(const TrainOptions& o, const TrainState& state);

/// The sentence of a run that cannot: "; lower train.lr or ...".
std::string advice(const TrainOptions& o, const TrainState& state, const std::string& run);

}  // namespace banter::train
