#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "data/problems.h"

/// Figures as text for people.
namespace banter::data {

/// 1234567 -> "1,234,567".
std::string grouped(std::uint64_t number);

/// "12.3" with the given digits behind the point; "-" for what is not finite.
std::string fixed(double number, int digits);

enum class Places : std::uint8_t { kFirst, kSome };

/// One line a rule with its count, and the first place or few; nothing when there is no problem.
void print_problems(std::ostream& out, const Problems& problems, Places places);

/// Counts in classes that double: 0, 1, 2, 3-4, 5-8, ...; constant memory.
class Histogram {
 public:
  void add(std::uint64_t value);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  [[nodiscard]] std::uint64_t min() const { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] double mean() const;

  struct Class {
    std::uint64_t low, high, count;
  };
  [[nodiscard]] std::vector<Class> classes() const;  ///< from the first to the last that is used

  /// One bar a class.
  void print(std::ostream& out, const std::string& title) const;

 private:
  static constexpr std::size_t kClasses = 66;
  std::uint64_t counts_[kClasses] = {};
  std::uint64_t count_ = 0, sum_ = 0, min_ = UINT64_MAX, max_ = 0;
};

}  // namespace banter::data
