#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/metrics/statistics/interval.h"

namespace banter::train {

/// A place of a line, with the interval of its height where one is known.
struct ChartPoint {
  double x = 0, y = 0;
  std::optional<Interval> interval;
};

/// A line of a chart, or one bar with a single point.
struct ChartSeries {
  std::string name;
  std::vector<ChartPoint> points;  ///< by rising x
};

/// What is written around a chart.
struct ChartText {
  std::string title, x_axis, y_axis;
};

/// The only places that points of a chart have on its x axis.
struct ChartPlaces {
  std::vector<double> values;  ///< rising, two or more
  bool is_log = false;         ///< equal factors are equal distances; then all are above 0
};

/// Lines with whiskers where there are intervals, a legend that also tells them apart by dashes and
/// marks, and ticks at round numbers. Values that are not finite are left out.
///
/// The colours are those of Okabe and Ito, which people with any colour vision can tell apart.
/// Equal arguments give equal bytes.
/// Source   Okabe and Ito 2008, "Color universal design"
std::string line_chart(const ChartText& text, const std::vector<ChartSeries>& series);

/// The same with ticks at these places; lines stand a little beside each other, so that whiskers do
/// not hide one another.
std::string line_chart(const ChartText& text, const std::vector<ChartSeries>& series,
                       const ChartPlaces& places);

/// A bar for each series, by the height of its first point, with whiskers; from 0 where that does
/// not hide the differences, else from a round number below, which the axis says.
std::string bar_chart(const ChartText& text, const std::vector<ChartSeries>& series);

/// Round numbers from at or below `low` to at or above `high`, about `wanted` of them.
/// Source   Heckbert 1990, "Nice numbers for graph labels"
std::vector<double> round_ticks(double low, double high, int wanted = 6);

}  // namespace banter::train
