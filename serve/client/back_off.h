#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/random.h"

namespace banter::serve {

/// How long to wait before the next try to reach a server: longer after each failure, and drawn, so
/// that clients that were lost together do not come back together.
class BackOff {
 public:
  using milliseconds = std::chrono::milliseconds;
  static constexpr milliseconds kLeast{500}, kMost{15'000};

  explicit BackOff(std::uint64_t key) : key_(key) {}

  /// Uniform between kLeast and a bound that begins at twice that and doubles up to kMost.
  milliseconds next() {
    const auto most = std::min(kMost, kLeast * (std::int64_t{2} << std::min(failures_, 5U)));
    const auto span = static_cast<std::uint64_t>((most - kLeast).count()) + 1;
    ++failures_;
    return kLeast + milliseconds(base::mix64(key_ + ++draws_) % span);
  }
  void succeeded() { failures_ = 0; }

 private:
  std::uint64_t key_, draws_ = 0;
  unsigned failures_ = 0;
};

}  // namespace banter::serve
