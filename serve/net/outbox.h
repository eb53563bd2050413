#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "serve/net/frames.h"

namespace banter::serve {

struct OutgoingFrame {
  std::string payload;
  FrameKind kind = FrameKind::kText;
};

/// The messages that a connection still has to write, bounded in bytes. One thread at a time.
class Outbox {
 public:
  /// `max_bytes`: of payload, what is being written included; one message alone may be longer.
  explicit Outbox(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Takes a message. False when more than `max_bytes` would stand there: the reader is too slow to
  /// be kept.
  bool add(OutgoingFrame frame);

  /// The next message, from now on in flight until `sent`; nothing when one is, or none waits.
  /// The pointer holds until `sent`.
  const OutgoingFrame* next();
  void sent();
  /// Forgets what waits; what is in flight stays.
  void drop_waiting();

  [[nodiscard]] bool in_flight() const { return in_flight_.has_value(); }
  [[nodiscard]] bool is_empty() const { return !in_flight_ && waiting_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::optional<OutgoingFrame> in_flight_;
  std::deque<OutgoingFrame> waiting_;
};

}  // namespace banter::serve
