#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace banter::train {

/// Sums over replies from which every likelihood metric is made; sums of sums are sums, so they
/// may be added over batches, dialogues and resamples (a mean of batch means may not).
struct Likelihood {
  double nll = 0;      ///< nats, of all labels, eos included
  double labels = 0;   ///< eos included
  double correct = 0;  ///< labels that are the arg max under teacher forcing
  double words = 0;    ///< white-space words of the replies' texts
  double bytes = 0;    ///< UTF-8 bytes of the replies' texts
  double replies = 0;

  Likelihood& operator+=(const Likelihood& other);

  // NaN where the count is 0.
  [[nodiscard]] double ppl() const;       ///< exp(nll / labels)
  [[nodiscard]] double nll_word() const;  ///< nll / words, eos's part included
  [[nodiscard]] double ppl_word() const;  ///< exp(nll_word): comparable between tokenizers
  [[nodiscard]] double bpb() const;       ///< nll / (ln 2 * bytes): bits a byte
  [[nodiscard]] double token_accuracy() const;
};

Likelihood total(std::span<const Likelihood> groups);

/// Bounds of a 95 % interval.
struct Interval {
  double low = 0, high = 0;
};

/// Draws the groups anew, with replacement, and adds each draw up.
///
/// Equal arguments give equal draws, and the draws of two systems measured on the same groups are
/// paired: number r of both took the same groups.
/// Cost     O(resamples * groups)
std::vector<Likelihood> resample(std::span<const Likelihood> groups, std::size_t resamples = 1000,
                                 std::uint64_t seed = 12345);

/// The 2.5 % and 97.5 % points (percentile bootstrap), interpolated between neighbours.
/// `values` must not be empty. A NaN among them makes both NaN.
Interval percentile_interval(std::vector<double> values);

/// Different n-grams of a set of replies, by white-space words in ASCII lower case. N-grams never
/// cross the border of a reply.
class Distinct {
 public:
  explicit Distinct(std::size_t n) : n_(n) {}
  void add(std::string_view reply);

  [[nodiscard]] std::uint64_t different() const { return seen_.size(); }
  [[nodiscard]] std::uint64_t all() const { return all_; }
  [[nodiscard]] double value() const;  ///< different / all; 0 without an n-gram

 private:
  std::size_t n_;
  std::uint64_t all_ = 0;
  std::unordered_set<std::string> seen_;
};

/// The 95 % interval of distinct-n over replies in groups, by leaving out one of 20 blocks of
/// groups at a time: a bootstrap would repeat replies and so lower what it measures. `groups[i]` is
/// the group of `replies[i]`; block = group modulo 20. Nothing when a block would be empty.
/// Math     se^2 = (g-1)/g * sum_b (theta_(b) - mean)^2;  theta +- t(0.975; g-1) * se
std::optional<Interval> distinct_interval(std::span<const std::string> replies,
                                          std::span<const std::uint64_t> groups, std::size_t n);

}  // namespace banter::train
