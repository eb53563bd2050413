#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <torch/torch.h>

#include "data/batches/pair_batch.h"
#include "models/pair_classifier.h"
#include "train/metrics/pair_fit.h"

namespace banter::train {

/// What a classifier makes of a pair.
struct ClassifiedPair {
  std::uint64_t pair = 0;  ///< its number in the split
  data::Label label = data::Label::kNeutral;
  std::array<double, models::PairClassifier::kLabels> log_probs{};  ///< nats, by Label

  [[nodiscard]] data::Label most_probable() const;  ///< of equals the first
  [[nodiscard]] PairFit fit() const;
};

/// Classifies the pairs of a batch, under NoGrad or InferenceMode, in its order.
std::vector<ClassifiedPair> classify(models::PairClassifier& classifier,
                                     const data::PairBatch& batch, torch::Device device);

}  // namespace banter::train
