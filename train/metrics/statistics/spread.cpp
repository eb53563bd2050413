#include "train/metrics/statistics/spread.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <boost/math/distributions/students_t.hpp>

namespace banter::train {

Spread spread_of(std::span<const double> values) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const auto count = static_cast<double>(values.size());
  Spread spread{.count = values.size(), .mean = kNone, .deviation = kNone, .interval = {}};
  if (values.empty()) return spread;
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() < 2) return spread;
  double square = 0;
  for (const double value : values) square += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(square / (count - 1));
  const double t = boost::math::quantile(boost::math::students_t(count - 1), 0.975);
  const double half = t * spread.deviation / std::sqrt(count);
  spread.interval = Interval{.low = spread.mean - half, .high = spread.mean + half};
  return spread;
}

}  // namespace banter::train
