#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "train/metrics/statistics/interval.h"

namespace banter::train {

/// What repeated runs (seeds) say of a value: how much it moves when nothing but chance changes.
/// This is not the interval of a test set, which says how much it would move on other dialogues.
struct Spread {
  std::size_t count = 0;
  double mean = 0;                   ///< NaN of nothing
  double deviation = 0;              ///< standard deviation of one run (n - 1); NaN of fewer than 2
  std::optional<Interval> interval;  ///< 95 %, of the mean; nothing of fewer than 2
};

/// Math     mean +- t(0.975; n - 1) * deviation / sqrt(n)
/// Source   Student 1908; the quantile is Boost.Math's
Spread spread_of(std::span<const double> values);

}  // namespace banter::train
