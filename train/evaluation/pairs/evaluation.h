#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/examples.h"
#include "data/store/split.h"
#include "models/pair_classifier.h"
#include "train/metrics/pairs/pair_fit.h"
#include "train/metrics/statistics/interval.h"

namespace banter::train {

/// A pair of the split that is judged, as the tables need it.
struct JudgedPair {
  data::Label label = data::Label::kNeutral;
  std::string source;
  std::uint64_t group = 0;  ///< pairs of one group depend on each other
};

/// What one system says of every pair.
struct PairSystem {
  std::string name;
  std::vector<PairFit> fits;  ///< of each pair; nll is 0 where it gives no probabilities
};

/// How a classifier, and what understands nothing, tell the labels of a split's pairs.
struct PairEvaluation {
  std::vector<JudgedPair> pairs;
  std::vector<PairSystem> systems;   ///< the classifier first
  std::uint64_t baseline_pairs = 0;  ///< that the others learned from

  /// A system's sums over the pairs that `takes` chooses, by group.
  [[nodiscard]] std::vector<PairFit> groups(
      const PairSystem& system, const std::function<bool(const JudgedPair&)>& takes) const;
};

/// Measures a classifier on the pairs of a split, and beside it what learned from those of `train`
/// (may be null, or without pairs): words of both sentences, words of the hypothesis alone, and the
/// most frequent label.
///
/// Modes    runs in eval mode under NoGradGuard and leaves the classifier as it was
/// Throws   DataError when the split has no pair; Stopped when a signal came
PairEvaluation evaluate_pairs(models::PairClassifier& classifier, const data::Split& split,
                              const data::Split* train, const data::BatchOptions& options,
                              torch::Device device, bool quiet);

PairFit total(const std::vector<PairFit>& groups);
/// The 95 % interval of a figure of the sums over groups that are drawn anew.
Interval interval_of(const std::vector<PairFit>& groups, double (PairFit::*figure)() const);

}  // namespace banter::train
