#include "train/experiment/axis_curves.h"

#include <algorithm>
#include <cmath>

#include "train/experiment/chart.h"

namespace banter::train {
namespace {

constexpr double kLogFrom = 8;  ///< times the smallest value

/// The row without its place on the axis: "full" of full-fraction-1.
std::string line_of(const Row& row, const std::string& axis) {
  std::string name;
  for (const auto& coordinate : row.at)
    if (coordinate.axis != axis) name += (name.empty() ? "" : "-") + coordinate.name;
  return name.empty() ? "all" : name;
}

double place_of(const Row& row, const std::string& axis) {
  return *std::ranges::find(row.at, axis, &Coordinate::axis)->number;
}

std::vector<ChartSeries> lines_over(const std::string& axis, const Summary& summary,
                                    std::size_t column, const std::vector<Row>& rows) {
  std::vector<ChartSeries> lines;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto& values = summary.values[r][column];
    if (!std::isfinite(values.spread.mean)) continue;
    const auto name = line_of(rows[r], axis);
    auto line = std::ranges::find(lines, name, &ChartSeries::name);
    if (line == lines.end()) line = lines.insert(line, {.name = name, .points = {}});
    line->points.push_back(
        {.x = place_of(rows[r], axis), .y = values.spread.mean, .interval = whiskers(values)});
  }
  for (auto& line : lines) std::ranges::sort(line.points, {}, &ChartPoint::x);
  return lines;
}

}  // namespace

std::optional<Figure> curves_over(const std::string& axis, const std::vector<double>& values,
                                  const Summary& summary, std::size_t column,
                                  const std::vector<Row>& rows) {
  const auto lines = lines_over(axis, summary, column, rows);
  if (std::ranges::none_of(lines, [](const auto& line) { return line.points.size() > 1; }))
    return std::nullopt;
  const auto& [name, what, digits] = summary.columns[column];
  const bool is_log = values.front() > 0 && values.back() >= kLogFrom * values.front();
  return Figure{.file = "figures/" + axis + "-" + name + ".svg",
                .svg = line_chart({.title = name + " over " + axis, .x_axis = axis, .y_axis = what},
                                  lines, {.values = values, .is_log = is_log}),
                .caption = name + " over " + axis + ": " + what +
                           "; whiskers: 95 % over seeds (of a single run, over dialogues)."};
}

}  // namespace banter::train
