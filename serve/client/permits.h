#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "serve/net/asio.h"

namespace banter::serve {

/// Permits that are taken and given back; who finds none waits, first come first served.
class Permits {
 public:
  Permits(const Strand& strand, std::int64_t count) : strand_(strand), free_(count) {}

  /// On the strand, as all of it.
  Task<void> take() {
    if (free_ > 0) {
      --free_;
      co_return;
    }
    const auto timer = std::make_shared<Timer>(strand_, Timer::time_point::max());
    waiting_.push_back(timer);
    (void)co_await timer->async_wait(kNoThrow);
  }
  void give(std::int64_t count = 1) {
    for (; count > 0; --count) {
      if (waiting_.empty()) {
        ++free_;
      } else {
        waiting_.front()->cancel();
        waiting_.pop_front();
      }
    }
  }

 private:
  Strand strand_;
  std::int64_t free_;
  std::deque<std::shared_ptr<Timer>> waiting_;
};

}  // namespace banter::serve
