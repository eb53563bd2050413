#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/pair_batch.h"
#include "models/label_log_probs.h"
#include "train/metrics/pairs/pair_fit.h"

namespace banter::train {

/// What a classifier makes of a pair.
struct ClassifiedPair {
  std::uint64_t pair = 0;  ///< its number in the split
  data::Label label = data::Label::kNeutral;
  models::LabelLogProbs log_probs{};

  [[nodiscard]] PairFit fit() const;
};

/// Classifies the pairs of a batch, under NoGrad or InferenceMode, in its order.
std::vector<ClassifiedPair> classify(models::PairClassifier& classifier,
                                     const data::PairBatch& batch, torch::Device device);

}  // namespace banter::train
