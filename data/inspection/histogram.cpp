#include "data/inspection/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iomanip>

#include "data/inspection/reports/report.h"

namespace banter::data {

void Histogram::add(std::uint64_t value) {
  // Class k holds k; behind the exact ones each class holds as many values as all before it but 0.
  const auto doublings = [](std::uint64_t v) {
    return static_cast<unsigned>(std::bit_width(v - 1));
  };
  const auto index = value <= exact_ ? value : exact_ + doublings(value) - doublings(exact_);
  ++counts_[index];
  ++count_;
  sum_ += value;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

double Histogram::mean() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::vector<Histogram::Class> Histogram::classes() const {
  std::vector<Class> classes;
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  for (std::size_t i = 0; i < kClasses && low <= max_; ++i) {
    if (counts_[i] > 0 || !classes.empty()) classes.push_back({low, high, counts_[i]});
    if (high == UINT64_MAX) break;
    low = high + 1;
    high = i < exact_ ? low : high <= UINT64_MAX / 2 ? high * 2 : UINT64_MAX;
  }
  return classes;
}

void Histogram::print(std::ostream& out, const std::string& title) const {
  constexpr double kBarWidth = 40;
  out << "  " << title << ": mean " << fixed(mean(), 1) << ", " << grouped(min()) << " to "
      << grouped(max()) << '\n';
  const auto all = classes();
  std::uint64_t most = 1;
  for (const auto& c : all) most = std::max(most, c.count);
  for (const auto& c : all) {
    const auto label = c.low == c.high ? grouped(c.low) : grouped(c.low) + "-" + grouped(c.high);
    const auto width = static_cast<std::size_t>(
        std::ceil(kBarWidth * static_cast<double>(c.count) / static_cast<double>(most)));
    out << "    " << std::setw(13) << label << " " << std::setw(12) << grouped(c.count)
        << (width > 0 ? " " : "") << std::string(width, '#') << '\n';
  }
}

boost::json::array Histogram::to_json() const {
  boost::json::array all;
  for (const auto& c : classes())
    all.push_back({{"from", c.low}, {"to", c.high}, {"count", c.count}});
  return all;
}

}  // namespace banter::data
