#pragma once

#include <span>
#include <vector>

#include "data/batches/pair_batch.h"
#include "models/label_log_probs.h"

namespace banter::models {

/// What a classifier says of any number of pairs, in their order. They are cut at the lengths of
/// its training and read in batches of like length.
///
/// Modes    the classifier's; under InferenceMode
/// Cost     a batch has at most 8192 tokens, padding counted; a longer pair is alone in its
std::vector<LabelLogProbs> classify_pairs(PairClassifier& classifier,
                                          std::span<const data::PairIds> pairs,
                                          const data::BatchOptions& options,
                                          const data::SpecialIds& special, torch::Device device);

}  // namespace banter::models
