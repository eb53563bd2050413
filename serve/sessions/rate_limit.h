#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace banter::serve {

/// At most so many events within a window of time. The steady clock's times are given, so that
/// tests need not wait.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  RateLimit(std::int64_t most, Clock::duration window) : most_(most), window_(window) {}

  /// Counts an event and gives nothing; or, where that is one too many, counts it not and says how
  /// long until it is none.
  std::optional<Clock::duration> take(Clock::time_point now) {
    while (!times_.empty() && now - times_.front() >= window_) times_.pop_front();
    auto wait = pause(now);
    if (!wait) times_.push_back(now);
    return wait;
  }
  /// How long until one more event is none too many; nothing where it is none now.
  [[nodiscard]] std::optional<Clock::duration> pause(Clock::time_point now) const {
    if (static_cast<std::int64_t>(times_.size()) < most_) return {};
    if (times_.empty()) return window_;
    const auto age = now - times_.front();
    return age < window_ ? std::optional(window_ - age) : std::nullopt;
  }
  /// Whether nothing of the window is left.
  [[nodiscard]] bool is_idle(Clock::time_point now) const {
    return times_.empty() || now - times_.back() >= window_;
  }

 private:
  std::int64_t most_;
  Clock::duration window_;
  std::deque<Clock::time_point> times_;
};

}  // namespace banter::serve
