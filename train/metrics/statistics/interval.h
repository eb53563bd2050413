#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"

namespace banter::train {

/// Bounds of a 95 % interval.
struct Interval {
  double low = 0, high = 0;
};

/// Gives `take` one of `size` groups, `size` times, with replacement: draw number `resample`.
///
/// Equal arguments give equal draws, so that the draws of two systems measured on the same groups
/// are paired.
template <typename Take>
void for_each_drawn(std::size_t size, std::uint64_t seed, std::uint64_t resample,
                    const Take& take) {
  const auto key = base::join_keys(seed, resample);
  for (std::size_t i = 0; i < size; ++i)
    take(static_cast<std::size_t>(base::to_unit(key + i) * static_cast<double>(size)));
}

/// The 2.5 % and 97.5 % points (percentile bootstrap), interpolated between neighbours.
/// `values` must not be empty. A NaN among them makes both NaN.
Interval percentile_interval(std::vector<double> values);

/// With fewer groups there is no interval: every draw would be the same, which looks like
/// certainty.
constexpr std::size_t kFewestGroups = 2;

/// The percentile interval of values that were drawn over so many groups; NaN with too few.
Interval interval_over(std::size_t groups, std::vector<double> values);

/// Blocks of groups that a jackknife leaves out, one after the other: block = group modulo this.
constexpr std::size_t kJackknifeBlocks = 20;

/// The interval of an estimate that is no ratio of sums, from the values without each block: a
/// bootstrap would repeat replies, and so lower what it measures.
///
/// Math     se^2 = (g-1)/g * sum_b (theta_(b) - mean)^2;  theta +- t(0.975; g-1) * se
Interval jackknife_interval(double estimate, std::span<const double, kJackknifeBlocks> without);

}  // namespace banter::train
