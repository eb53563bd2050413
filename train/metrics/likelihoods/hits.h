#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "train/metrics/statistics/interval.h"

namespace banter::train {

/// Where a true reply came among its candidates.
struct Rank {
  std::uint64_t group = 0;       ///< replies of one talk depend on each other: the same number
  std::uint32_t rank = 1;        ///< 1 = first
  std::uint32_t candidates = 1;  ///< C, the true reply counted
};

/// The rank of `scores[answer]`: every other one that is at least as high stands before it, so that
/// a tie counts against the reply.
std::uint32_t rank_of(std::span<const double> scores, std::size_t answer);

/// hits@k, which is recall@k where one candidate is true: the share of true replies that come among
/// the first k.
struct Hits {
  unsigned k = 1;
  double value = 0;
  Interval interval;  ///< percentile bootstrap over groups
  double chance = 0;  ///< what guessing has: the mean of k/C, 1 where k > C
};

/// hits@k of some replies for several k, with what they were chosen from.
struct Ranking {
  std::vector<Hits> hits;
  std::uint64_t replies = 0;
  double mean_candidates = 0;
  std::uint32_t fewest_candidates = 0, most_candidates = 0;
  std::string signature;  ///< what all hits' signatures end in

  /// `ranks` must not be empty. `how` says what was ranked and how.
  Ranking(std::span<const Rank> ranks, std::span<const unsigned> ks, std::string_view how,
          std::size_t resamples = 1000, std::uint64_t seed = 12345);
  [[nodiscard]] base::json::object to_json() const;
  /// "N replies among C candidates", then a row for each k.
  void print(std::ostream& out) const;
};

constexpr std::string_view kHits = "hits_";                  ///< hits_1, hits_5, ...
inline constexpr std::array kUsualHits = {1U, 2U, 5U, 10U};  ///< what `hits` alone stands for

/// The k that a name asks for, rising: those of kUsualHits for "hits", K for "hits_K", K >= 1; none
/// for any other name.
std::vector<unsigned> hits_named(std::string_view name);

}  // namespace banter::train
