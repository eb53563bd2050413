#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace banter::serve {

/// How long something took, each time, in buckets.
struct TimeHistogram {
  /// Upper bounds of the buckets in seconds; the last bucket has none.
  static constexpr std::array kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                         0.1,    0.25,  0.5,    1.0,   2.5,  10.0,  60.0};
  std::array<std::uint64_t, kBounds.size() + 1> counts{};  ///< of each bucket alone
  double seconds = 0;                                      ///< of all together

  void add(std::chrono::duration<double> time) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && time.count() > kBounds.at(bucket)) ++bucket;
    ++counts.at(bucket);
    seconds += time.count();
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const auto in_bucket : counts) sum += in_bucket;
    return sum;
  }
};

}  // namespace banter::serve
