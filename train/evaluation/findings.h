#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/metrics/likelihoods/hits.h"
#include "train/metrics/likelihoods/likelihood_metrics.h"
#include "train/metrics/likelihoods/rises.h"
#include "train/metrics/likelihoods/turn_fits.h"
#include "train/metrics/pairs/pair_scores.h"
#include "train/metrics/statistics/dialogue_sums.h"
#include "train/metrics/statistics/interval.h"
#include "train/metrics/texts/scores.h"
#include "train/metrics/texts/used_vectors.h"

namespace banter::train {

/// How one system fits the labels of a split: metrics made of likelihoods with their intervals.
struct FitRow {
  std::string name;
  Likelihood sums;
  std::vector<LikelihoodMetric> fits;
  std::vector<Interval> intervals;  ///< of `fits`, over the groups

  FitRow(std::string system, std::span<const Likelihood> groups,
         const std::vector<LikelihoodMetric>& metrics);
  [[nodiscard]] base::json::object to_json() const;
  [[nodiscard]] std::vector<std::string> cells() const;
};

/// The metrics of texts, of the model's replies or of the references in their place; of those asked
/// for the ones that the samples have what they need for.
struct TextScores {
  std::string name;
  std::vector<Score> scores;

  TextScores(std::string system, const std::vector<Sample>& samples,
             const std::vector<const Metric*>& metrics, const MetricSettings& settings);
  [[nodiscard]] base::json::object to_json() const;
};

/// All that `banter evaluate` found of a model on a split.
struct Findings {
  std::string run, store, split, signature;
  Likelihood all;
  std::uint64_t dialogues = 0, groups = 0, baseline_labels = 0, answered = 0;
  std::vector<FitRow> rows;  ///< the model, then the n-grams; empty when no likelihood is asked for
  std::vector<FitRow> further;  ///< other scores of the model, each exp(mean nll); with ppl alone
  std::vector<TurnSums::Fit> by_turn;
  std::optional<Ranking> ranking;
  std::vector<Rise> rises;
  std::optional<PairScores> pairs;
  DialogueSums sums;  ///< of ranking and rises
  std::optional<UsedVectors> vectors;
  std::vector<TextScores> texts;
};

base::json::object to_json(const Findings& found);
/// As tables.
void print(std::ostream& out, const Findings& found);

}  // namespace banter::train
