#include "train/experiment/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>

#include "train/experiment/document.h"

namespace banter::train {
namespace {

constexpr std::array<std::string_view, 8> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#E69F00", "#56B4E9", "#000000", "#8B6F00"};
constexpr std::array<std::string_view, 4> kDashes = {"", "6 3", "2 3", "9 3 2 3"};

constexpr double kWidth = 760, kPlotHeight = 340;
constexpr double kLeft = 70, kRight = 20, kTop = 40, kBottom = 56, kLegendRow = 20;

struct Range {
  double low = 0, high = 1;
};

/// A number as an SVG attribute.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

/// A number at a tick: as few digits as tell the ticks apart.
std::string tick_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", std::abs(value) < 1e-12 ? 0.0 : value);
  return text;
}

std::string text_at(double x, double y, const std::string& text, std::string_view more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + std::string(more) + ">" +
         escaped_xml(text) + "</text>\n";
}

std::string line_between(double x1, double y1, double x2, double y2, std::string_view more) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
         "\" y2=\"" + number(y2) + "\" " + std::string(more) + "/>\n";
}

/// The finite points of all series, as a range of what `take` gives of each.
template <typename Take>
Range range_of(const std::vector<ChartSeries>& series, const Take& take) {
  Range range{.low = std::numeric_limits<double>::infinity(),
              .high = -std::numeric_limits<double>::infinity()};
  for (const auto& one : series)
    for (const auto& point : one.points)
      for (const double value : take(point)) {
        if (!std::isfinite(value)) continue;
        range.low = std::min(range.low, value);
        range.high = std::max(range.high, value);
      }
  return range.low <= range.high ? range : Range{};
}

std::vector<double> heights_of(const ChartPoint& point) {
  std::vector<double> heights = {point.y};
  if (point.interval) heights.insert(heights.end(), {point.interval->low, point.interval->high});
  return heights;
}

/// An axis: its ticks, and which share of its length lies before a value.
struct Axis {
  std::vector<double> ticks;
  bool is_log = false;
  double margin = 0;  ///< share of the length before the first tick, and behind the last

  [[nodiscard]] double share(double value) const {
    const auto place = [&](double v) { return is_log ? std::log(v) : v; };
    const double first = place(ticks.front()), last = place(ticks.back());
    return margin + (1 - 2 * margin) * (place(value) - first) / (last - first);
  }
};

/// The frame of a chart: axes, ticks, titles; and where a value lies in it.
class Frame {
 public:
  Frame(ChartText text, Axis x_axis, std::vector<double> y_ticks, std::size_t legend_rows)
      : text_(std::move(text)),
        x_axis_(std::move(x_axis)),
        y_axis_{.ticks = std::move(y_ticks)},
        height_(kTop + kPlotHeight + kBottom + kLegendRow * static_cast<double>(legend_rows)) {}

  [[nodiscard]] double x(double value) const {
    return kLeft + x_axis_.share(value) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(double value) const {
    return kTop + (1 - y_axis_.share(value)) * kPlotHeight;
  }
  [[nodiscard]] double bottom() const { return kTop + kPlotHeight; }
  [[nodiscard]] double legend_top() const { return bottom() + kBottom; }

  [[nodiscard]] std::string begin(bool with_x_ticks) const {
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(kWidth) +
                      " " + number(height_) + "\" width=\"" + number(kWidth) + "\" height=\"" +
                      number(height_) + "\" font-family=\"sans-serif\" font-size=\"12\" " +
                      "fill=\"#222\" role=\"img\" aria-label=\"" + escaped_xml(text_.title) +
                      "\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
    out += text_at(kLeft, 22, text_.title, "font-size=\"15\" font-weight=\"bold\"");
    for (const double tick : y_axis_.ticks) {
      out += line_between(kLeft, y(tick), kWidth - kRight, y(tick), "stroke=\"#e0e0e0\"");
      out += text_at(kLeft - 8, y(tick) + 4, tick_text(tick), "text-anchor=\"end\"");
    }
    for (const double tick : x_axis_.ticks) {
      if (!with_x_ticks) break;
      out += line_between(x(tick), bottom(), x(tick), bottom() + 5, "stroke=\"#222\"");
      out += text_at(x(tick), bottom() + 19, tick_text(tick), "text-anchor=\"middle\"");
    }
    out += line_between(kLeft, bottom(), kWidth - kRight, bottom(), "stroke=\"#222\"");
    out += text_at((kLeft + kWidth - kRight) / 2, bottom() + 40, text_.x_axis,
                   "text-anchor=\"middle\"");
    out += text_at(0, 0, text_.y_axis,
                   "text-anchor=\"middle\" transform=\"translate(16 " +
                       number(kTop + kPlotHeight / 2) + ") rotate(-90)\"");
    return out;
  }

 private:
  ChartText text_;
  Axis x_axis_, y_axis_;
  double height_;
};

/// A whisker from one end of an interval to the other; nothing where it has no two ends.
std::string whisker(double x, const std::optional<Interval>& interval, const Frame& frame,
                    std::string_view colour) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return "";
  const double low = frame.y(interval->low), high = frame.y(interval->high);
  const auto stroke = "stroke=\"" + std::string(colour) + "\" stroke-width=\"1.2\"";
  return line_between(x, low, x, high, stroke) + line_between(x - 3, low, x + 3, low, stroke) +
         line_between(x - 3, high, x + 3, high, stroke);
}

/// The mark of series `i`: a disc, a square, a diamond or a triangle.
std::string mark(std::size_t i, double x, double y) {
  const auto fill = " fill=\"" + std::string(kColours.at(i % kColours.size())) + "\"/>\n";
  const auto at = [&](double dx, double dy) { return number(x + dx) + "," + number(y + dy) + " "; };
  switch (i % 4) {
    case 0:
      return "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"3.5\"" + fill;
    case 1:
      return "<rect x=\"" + number(x - 3) + "\" y=\"" + number(y - 3) +
             "\" width=\"6\" height=\"6\"" + fill;
    case 2:
      return "<polygon points=\"" + at(0, -4.5) + at(4.5, 0) + at(0, 4.5) + at(-4.5, 0) + "\"" +
             fill;
    default:
      return "<polygon points=\"" + at(0, -4.5) + at(4.2, 3.5) + at(-4.2, 3.5) + "\"" + fill;
  }
}

/// The stroke of series `i`: after all colours the dashes change.
std::string stroke(std::size_t i) {
  const auto dashes = kDashes.at((i + i / kColours.size()) % kDashes.size());
  return "stroke=\"" + std::string(kColours.at(i % kColours.size())) + "\" stroke-width=\"2\"" +
         (dashes.empty() ? "" : " stroke-dasharray=\"" + std::string(dashes) + "\"");
}

/// `beside`: how far to the right of its places.
std::string line_of(const ChartSeries& series, std::size_t i, const Frame& frame, double beside) {
  std::string path, marks;
  for (const auto& point : series.points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
    const double x = frame.x(point.x) + beside, y = frame.y(point.y);
    path += number(x) + "," + number(y) + " ";
    marks += whisker(x, point.interval, frame, kColours.at(i % kColours.size()));
    marks += mark(i, x, y);
  }
  return "<polyline points=\"" + path + "\" fill=\"none\" " + stroke(i) + "/>\n" + marks;
}

constexpr std::size_t kLegendColumns = 4;

std::string legend(const std::vector<ChartSeries>& series, const Frame& frame) {
  std::string out;
  constexpr double kColumn = (kWidth - kLeft - kRight) / static_cast<double>(kLegendColumns);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const double x = kLeft + kColumn * static_cast<double>(i % kLegendColumns);
    const auto row = i / kLegendColumns;
    const double y = frame.legend_top() + kLegendRow * static_cast<double>(row);
    out += line_between(x, y, x + 26, y, stroke(i)) + mark(i, x + 13, y);
    out += text_at(x + 32, y + 4, series[i].name);
  }
  return out;
}

/// From 0, unless the smallest bar is more than half as high as the largest.
std::vector<double> bar_ticks(const Range& range) {
  const bool from_zero = range.low < 0.5 * range.high || range.low <= 0;
  const double low = from_zero ? std::min(0.0, range.low) : range.low;
  const double high = range.high > low ? range.high : low + 1;
  auto ticks = round_ticks(low, high);
  if (!from_zero && ticks.front() == range.low)  // the smallest bar is to be seen, too
    ticks.insert(ticks.begin(), ticks.front() - (ticks[1] - ticks[0]));
  return ticks;
}

/// `spacing`: between lines at the same place.
std::string drawn_lines(const ChartText& text, const std::vector<ChartSeries>& series,
                        const Axis& x_axis, double spacing) {
  const auto ys = range_of(series, heights_of);
  const auto rows = (series.size() + kLegendColumns - 1) / kLegendColumns;
  const Frame frame(text, x_axis, round_ticks(ys.low, ys.high), rows);
  auto out = frame.begin(/*with_x_ticks=*/true);
  const double middle = (static_cast<double>(series.size()) - 1) / 2;
  for (std::size_t i = 0; i < series.size(); ++i)
    out += line_of(series[i], i, frame, spacing * (static_cast<double>(i) - middle));
  return out + legend(series, frame) + "</svg>\n";
}

constexpr std::size_t kSlantedRows = 4;  ///< of room below a chart whose bars have long names

/// Whether names do not fit side by side below their bars.
bool has_long_names(const std::vector<ChartSeries>& series) {
  constexpr double kLetter = 6.6;
  const double room = (kWidth - kLeft - kRight) / static_cast<double>(series.size());
  return std::ranges::any_of(series, [&](const ChartSeries& one) {
    return kLetter * static_cast<double>(one.name.size()) > room;
  });
}

std::string bar_name(const std::string& name, double x, double y, bool slanted) {
  if (!slanted) return text_at(x, y, name, "text-anchor=\"middle\"");
  return text_at(0, 0, name,
                 "text-anchor=\"end\" transform=\"translate(" + number(x + 6) + " " +
                     number(y - 3) + ") rotate(-35)\"");
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int wanted) {
  // What differs by rounding alone is no range: no step could be added to `low`.
  if (!(high - low > 1e-9 * std::max(std::abs(low), std::abs(high))))
    high = low + std::max(1.0, std::abs(low) * 0.1);
  const double rough = (high - low) / std::max(1, wanted - 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double share = rough / power;
  const double step = power * (share < 1.5 ? 1 : share < 3 ? 2 : share < 7 ? 5 : 10);
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  for (double i = first; ticks.size() < 2 || ticks.back() < high - 1e-9 * step; ++i)
    ticks.push_back(i * step);
  return ticks;
}

std::string line_chart(const ChartText& text, const std::vector<ChartSeries>& series) {
  const auto xs = range_of(series, [](const ChartPoint& p) { return std::vector<double>{p.x}; });
  return drawn_lines(text, series, {.ticks = round_ticks(xs.low, xs.high, 9)}, /*spacing=*/0);
}

std::string line_chart(const ChartText& text, const std::vector<ChartSeries>& series,
                       const ChartPlaces& places) {
  constexpr double kMargin = 0.06, kSpacing = 4;
  return drawn_lines(
      text, series, {.ticks = places.values, .is_log = places.is_log, .margin = kMargin}, kSpacing);
}

std::string bar_chart(const ChartText& text, const std::vector<ChartSeries>& series) {
  const auto count = static_cast<double>(std::max<std::size_t>(series.size(), 1));
  const auto ticks = bar_ticks(range_of(series, heights_of));
  const bool slanted = has_long_names(series);
  const Frame frame(text, {.ticks = {0, count}}, ticks, slanted ? kSlantedRows : 0);
  const double foot = frame.y(std::clamp(0.0, ticks.front(), ticks.back()));
  auto out = frame.begin(/*with_x_ticks=*/false);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const double middle = frame.x(static_cast<double>(i) + 0.5);
    out += bar_name(series[i].name, middle, frame.bottom() + 19, slanted);
    if (series[i].points.empty() || !std::isfinite(series[i].points[0].y)) continue;
    const auto& point = series[i].points[0];
    const double half = 0.35 * (frame.x(1) - frame.x(0)), top = frame.y(point.y);
    out += "<rect x=\"" + number(middle - half) + "\" y=\"" + number(std::min(top, foot)) +
           "\" width=\"" + number(2 * half) + "\" height=\"" + number(std::abs(foot - top)) +
           "\" fill=\"" + std::string(kColours.at(i % kColours.size())) + "\"/>\n";
    out += whisker(middle, point.interval, frame, "#222");
  }
  return out + "</svg>\n";
}

}  // namespace banter::train
