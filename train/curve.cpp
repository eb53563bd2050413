#include "train/curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

namespace banter::train {
namespace {

constexpr std::array<std::string_view, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 8> kAscii = {".", ":", "-", "=", "+", "*", "%", "#"};

/// The means of `parts` parts of equal length, to a value.
std::vector<double> means_of_parts(std::span<const double> values, std::size_t parts) {
  std::vector<double> means;
  for (std::size_t i = 0; i < parts; ++i) {
    const auto begin = i * values.size() / parts, end = (i + 1) * values.size() / parts;
    const auto part = values.subspan(begin, end - begin);
    means.push_back(std::accumulate(part.begin(), part.end(), 0.0) /
                    static_cast<double>(part.size()));
  }
  return means;
}

}  // namespace

std::string curve(std::span<const double> values, std::size_t width, bool ascii) {
  const auto points = means_of_parts(values, std::min(values.size(), width));
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double point : points) {
    if (!std::isfinite(point)) continue;
    low = std::min(low, point);
    high = std::max(high, point);
  }
  const auto& bars = ascii ? kAscii : kBars;
  std::string text;
  for (const double point : points) {
    if (!std::isfinite(point)) {
      text += ' ';
      continue;
    }
    const double height = high > low ? (point - low) / (high - low) : 0;
    text += bars.at(static_cast<std::size_t>(std::lround(height * 7)));
  }
  return text;
}

bool is_utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    return locale.find("UTF-8") != std::string_view::npos ||
           locale.find("utf8") != std::string_view::npos;
  }
  return false;
}

}  // namespace banter::train
