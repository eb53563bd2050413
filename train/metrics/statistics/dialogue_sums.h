#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "train/metrics/likelihoods/hits.h"
#include "train/metrics/likelihoods/likelihood.h"
#include "train/metrics/pairs/pair_fit.h"
#include "train/metrics/texts/measure.h"

namespace banter::train {

/// Of one group of dialogues or pairs the two sums of a metric that is a sum over a count.
struct DialogueSum {
  double sum = 0;    ///< hits; nats that its replies rose by; right labels; nats of labels
  double count = 0;  ///< ranked replies; white-space words of its replies; pairs
};

/// Metrics that only a model can give (hits_K, perturb_T; accuracy and loss of a classifier), in
/// the sums of each group of dialogues, by the number of its first, or of pairs, so that two
/// systems can be tested without their models.
class DialogueSums {
 public:
  void add_hits(std::span<const Rank> ranks, std::span<const unsigned> ks);
  /// The rise of each group, in the order of `groups`, their numbers.
  void add_rise(std::string_view metric, std::span<const std::uint64_t> groups,
                std::span<const Likelihood> plain, std::span<const Likelihood> altered);

  /// The accuracy and the loss of a pair of a group.
  void add_pair(std::uint64_t group, const PairFit& fit);

  /// Writes JSON Lines, one a dialogue: {"dialogue": 0, "hits_1": [2, 5], "perturb_x": [0.5, 31]},
  /// each the sum and the count.
  /// Throws   FileError; DataError when a sum is no finite number
  void write(const std::filesystem::path& file) const;
  /// Reads them back. Throws   FileError; DataError naming file and line
  static DialogueSums read(const std::filesystem::path& file);

  [[nodiscard]] bool has(const std::string& metric) const;
  /// Whether both are about the same replies in a metric.
  [[nodiscard]] bool is_comparable(const DialogueSums& other, const std::string& metric) const;
  /// The sums as a measurement, a metric for each name and a group for each dialogue that has one
  /// of them, so that its values and tests are those of every metric made of sums.
  [[nodiscard]] Measurement measurement(std::span<const std::string> metrics) const;

 private:
  std::map<std::uint64_t, std::map<std::string, DialogueSum>> by_dialogue_;
};

}  // namespace banter::train
