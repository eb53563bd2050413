#pragma once

#include <array>
#include <vector>

#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/pair_batch.h"
#include "models/pair_classifier.h"

namespace banter::models {

/// Log-probabilities of a pair's labels, nats, by data::Label.
using LabelLogProbs = std::array<double, PairClassifier::kLabels>;

/// The label with the highest value; of equals the first.
data::Label most_probable(const LabelLogProbs& values);

/// What a classifier says of each pair of a batch, in the batch's order.
///
/// Modes    the classifier's; under NoGrad or InferenceMode
std::vector<LabelLogProbs> label_log_probs(PairClassifier& classifier, const data::PairBatch& batch,
                                           torch::Device device);

}  // namespace banter::models
