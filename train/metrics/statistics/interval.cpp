#include "train/metrics/statistics/interval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace banter::train {

namespace {

Interval none() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return {.low = nan, .high = nan};
}

}  // namespace

Interval percentile_interval(std::vector<double> values) {
  if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) return none();
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const auto above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], place - std::floor(place));
  };
  return {.low = at(0.025), .high = at(0.975)};
}

Interval interval_over(std::size_t groups, std::vector<double> values) {
  return groups < kFewestGroups ? none() : percentile_interval(std::move(values));
}

Interval jackknife_interval(double estimate, std::span<const double, kJackknifeBlocks> without) {
  constexpr double kStudentT = 2.0930240544;  // 0.975 point, 19 degrees of freedom
  constexpr double kBlocks = kJackknifeBlocks;
  double mean = 0;
  for (const double value : without) mean += value / kBlocks;
  double square = 0;
  for (const double value : without) square += (value - mean) * (value - mean);
  const double half = kStudentT * std::sqrt(square * (kBlocks - 1) / kBlocks);
  return {.low = estimate - half, .high = estimate + half};
}

}  // namespace banter::train
