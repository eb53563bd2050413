#pragma once

#include <cstdint>

#include "base/json.h"
#include "data/store/store.h"
#include "models/dialogue_model.h"

namespace banter::train {

/// What a model answers, greedily, to `count` contexts of a split: the same ones at every
/// validation of every run on it. An object each, with what the log tells:
///
///     {"dialogue", "turn": the reply's place, "facts": [text], "turns": [{"speaker", "text"}],
///      "speaker", "reference", "reply", "finish", "tokens": [text], "sources": [{"turn"} ...],
///      "attention": {name: a row a token of the reply, its end too, a column a source}}
///
/// Sources are the facts and turns that were read, by their places in the two lists; they and
/// the attention are missing where a model has none over turns. Weights have three digits.
/// Draws nothing from LibTorch's generator.
/// Modes    in eval mode without gradients; leaves the model as it was
/// Throws   Stopped when a signal came; base::Error when the model's logits are not finite
base::json::array decoded_samples(models::DialogueModel& model, const data::Store& store,
                                  const data::Split& split, const data::BatchOptions& options,
                                  std::int64_t count);

}  // namespace banter::train
