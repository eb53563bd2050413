#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "train/metrics/likelihoods/likelihood_metrics.h"
#include "train/metrics/texts/metric.h"

namespace banter::train {

/// What `banter evaluate --metrics` asks for.
struct EvaluationChoice {
  std::vector<LikelihoodMetric> fits;           ///< in the order of their table
  bool by_turn = false;                         ///< ppl_turn
  std::vector<unsigned> hits;                   ///< the k of hits@k, rising
  std::vector<std::string_view> perturbations;  ///< names of transforms, sorted
  bool pairs = false;                           ///< all metrics of sentence pairs
  std::vector<const Metric*> texts;             ///< of the greedy replies
  bool needs_vectors = false;                   ///< one of them that reads word vectors is named
  bool needs_judgements = false;                ///< one that a classifier must judge for
  bool needs_pairs = false;                     ///< `pairs` is named

  /// What is given without being asked for: all but what costs further passes over the split;
  /// metrics of vectors and of pairs where there are some.
  static EvaluationChoice usual();
  /// `usual` stands for what is given without names. A name in front of an underscore stands for
  /// all of its kind: `hits` for those of kUsualHits, `perturb` for every transform that needs no
  /// share. Throws   UsageError that lists the known names
  static EvaluationChoice named(std::span<const std::string> names);
};

inline constexpr std::string_view kUsual = "usual";
inline constexpr std::string_view kByTurn = "ppl_turn";
inline constexpr std::string_view kOfPairs = "pairs";
inline constexpr std::string_view kPerturb = "perturb_";  ///< and the name of a transform

}  // namespace banter::train
