#include "data/inspection/report.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <iomanip>

namespace banter::data {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

std::string fixed(double number, int digits) {
  if (!std::isfinite(number)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

void print_problems(std::ostream& out, const Problems& problems, Places places) {
  for (const auto severity : {Severity::kSkip, Severity::kNote}) {
    for (const auto& [rule, count] : problems.by_rule()) {
      if (count.severity != severity) continue;
      out << "  " << (severity == Severity::kSkip ? "skipped " : "note ") << grouped(count.count)
          << ": " << rule << '\n';
      const auto shown = places == Places::kFirst ? std::min<std::size_t>(1, count.first.size())
                                                  : count.first.size();
      for (std::size_t i = 0; i < shown; ++i) out << "      " << count.first[i] << '\n';
      if (count.count > shown && places == Places::kSome) out << "      ...\n";
    }
  }
}

void Histogram::add(std::uint64_t value) {
  // Class 0 holds 0, class k the values up to 2^(k-1) that class k-1 does not.
  const auto index = value == 0 ? 0 : static_cast<std::size_t>(std::bit_width(value - 1)) + 1;
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
    low = high + 1;
    high = i == 0 ? 1 : i + 2 < kClasses ? high * 2 : UINT64_MAX;
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
    out << "    " << std::setw(13) << label << " " << std::setw(12) << grouped(c.count) << " "
        << std::string(width, '#') << '\n';
  }
}

}  // namespace banter::data
