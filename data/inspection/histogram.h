#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <boost/json.hpp>

namespace banter::data {

/// Counts in classes that double: 0, 1, 2, 3-4, 5-8, ...; constant memory.
class Histogram {
 public:
  static constexpr std::uint64_t kMaxExact = 16;

  /// Values up to `exact` have a class each; a power of two from 2 to kMaxExact.
  explicit Histogram(std::uint64_t exact = 2) : exact_(exact) {}

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
  [[nodiscard]] boost::json::array to_json() const;  ///< of {from, to, count}

 private:
  static constexpr std::size_t kClasses = kMaxExact + 64;
  std::uint64_t exact_;
  std::uint64_t counts_[kClasses] = {};
  std::uint64_t count_ = 0, sum_ = 0, min_ = UINT64_MAX, max_ = 0;
};

}  // namespace banter::data
