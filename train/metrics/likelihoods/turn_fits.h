#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "train/metrics/likelihoods/likelihood.h"
#include "train/metrics/statistics/interval.h"
#include "train/metrics/texts/measure.h"

namespace banter::train {

/// The perplexity of replies by which turn of their dialogue they are, the first turn being 1: a
/// model that makes use of the history gains by it.
///
/// Sums of replies are kept by dialogue and place, so that intervals can be drawn over dialogues.
class TurnSums {
 public:
  static constexpr std::uint32_t kFirst = 2, kLast = 10;  ///< turns from kLast on stand together
  static constexpr std::size_t kPlaces = kLast - kFirst + 1;

  TurnSums() = default;
  explicit TurnSums(std::size_t dialogues)
      : sums_{.rows = dialogues, .columns = kPlaces * kWidth} {}

  /// Adds the sums of a reply that is turn number `turn` (from 0) of its dialogue.
  void add(std::size_t dialogue, std::uint32_t turn, const Likelihood& reply);

  /// Of one place.
  struct Fit {
    std::string name;  ///< ppl_turn_2, ..., "ppl_turn_10+"
    double ppl = 0;
    Interval interval;  ///< percentile bootstrap over dialogues that have a reply
    std::uint64_t labels = 0, replies = 0;
  };
  /// Of the places where there is a reply. Without a reply in a draw a place has no interval.
  [[nodiscard]] std::vector<Fit> fits(std::size_t resamples = 1000,
                                      std::uint64_t seed = 12345) const;

 private:
  static constexpr std::size_t kWidth = 3;  ///< nats, labels, replies
  Table sums_;                              ///< (dialogues, kPlaces * kWidth)
};

base::json::object to_json(std::span<const TurnSums::Fit> fits);
void print(std::ostream& out, std::span<const TurnSums::Fit> fits);

}  // namespace banter::train
