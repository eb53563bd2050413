#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "serve/net/asio.h"

namespace banter::serve {

/// What a connection may not wait for without end.
enum class Deadline {
  kHeader,      ///< a request's header
  kBody,        ///< a request's body
  kHello,       ///< the greeting on a WebSocket
  kMessage,     ///< the rest of a message
  kIdle,        ///< any message
  kSlowReader,  ///< what is being written
  kClosing,     ///< the peer's end of the connection
  kCount
};

/// The deadlines of one connection, on one timer. Setting one costs a clock read: the timer is
/// moved only when the new deadline is the earliest.
///
/// Threads  the connection's strand only
class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;

  /// `late(which)` is called on the strand; never after `stop`, which also forgets what it holds.
  Deadlines(const Strand& strand, std::function<void(Deadline)> late);
  ~Deadlines();
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  void set(Deadline which, std::chrono::milliseconds from_now);
  void clear(Deadline which);
  [[nodiscard]] bool is_set(Deadline which) const;
  void stop();

 private:
  struct State;
  static void arm(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace banter::serve
