#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace banter::data {

/// Numbers of things of a split, rising: all of them, which costs no memory, or some.
class Subset {
 public:
  /// 0, 1, ... `size` - 1.
  static Subset all(std::uint64_t size) { return {size, {}}; }
  /// `numbers` rise.
  static Subset of(std::vector<std::uint64_t> numbers) {
    const auto size = numbers.size();
    return {size, std::move(numbers)};
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Requires   i < size()
  [[nodiscard]] std::uint64_t operator[](std::uint64_t i) const {
    return numbers_.empty() ? i : numbers_[i];
  }

 private:
  Subset(std::uint64_t size, std::vector<std::uint64_t> numbers)
      : size_(size), numbers_(std::move(numbers)) {}

  std::uint64_t size_ = 0;
  std::vector<std::uint64_t> numbers_;  ///< empty = all
};

}  // namespace banter::data
