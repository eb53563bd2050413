#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <vector>

namespace banter::serve {

/// Durations that were measured, all of them kept: their percentiles are exact.
class Samples {
 public:
  using Duration = std::chrono::steady_clock::duration;

  void add(Duration time) {
    ms_.push_back(std::chrono::duration<double, std::milli>(time).count());
    is_sorted_ = false;
  }
  [[nodiscard]] std::size_t count() const { return ms_.size(); }

  /// Milliseconds that `share`, above 0 and at most 1, of the samples do not exceed: the smallest
  /// sample for which that holds; 0 when there is none.
  double percentile(double share) {
    if (ms_.empty()) return 0;
    if (!is_sorted_) std::ranges::sort(ms_);
    is_sorted_ = true;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(ms_.size())));
    return ms_[std::clamp<std::size_t>(rank, 1, ms_.size()) - 1];
  }

 private:
  std::vector<double> ms_;
  bool is_sorted_ = false;
};

}  // namespace banter::serve
