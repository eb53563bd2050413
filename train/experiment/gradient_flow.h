#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <torch/types.h>

#include "data/batches/batch.h"
#include "models/dialogue_model.h"

namespace banter::train {

/// The first replies of a split, one a dialogue, before which stand at least `turns` turns; at most
/// `count`.
std::vector<data::Example> replies_with_turns(const data::Split& split, const data::ReplyRule& rule,
                                              std::int64_t turns, std::int64_t count);

/// How strongly the loss of each reply pulls at the oldest turn of its context when the context is
/// its last `turns` turns: what plain recurrence loses as contexts grow.
///
/// Math     ln || d (nll / labels) / d e ||, e the token vectors of turn 1 of `turns`, all of them
///          together; -inf where the loss does not reach them
/// Modes    eval, so that nothing is dropped; parameters and their gradients are left as they were
/// Returns  one a reply, in the order of `examples`
/// Requires that no graph of an earlier pass through the model is kept
/// Throws   ConfigError when the model has no table of token vectors of its own (`tied`)
/// Source   Bengio, Simard, Frasconi 1994, for the gradient as a measure of reach; the measure over
///          turns is ours
std::vector<double> oldest_turn_log_norms(models::DialogueModel& model, const data::Split& split,
                                          std::span<const data::Example> examples,
                                          const data::BatchOptions& options, std::int64_t turns,
                                          torch::Device device);

}  // namespace banter::train
