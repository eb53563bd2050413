#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "serve/close_code.h"

/// What a conversation sees of a WebSocket: whole messages in, whole messages out, one end.
namespace banter::serve {

enum class FrameKind { kText, kBinary };

/// Where messages to the peer go. Any thread may call; the connection keeps itself alive.
class FrameSink {
 public:
  virtual ~FrameSink() = default;

  /// Queues one message; messages of one thread leave in its order. False when the connection is
  /// ending or the message does not fit into its outbox, which ends the connection with 1013.
  virtual bool send(std::string payload, FrameKind kind = FrameKind::kText) = 0;

  /// Whether messages are there that the peer has not taken yet: what can be said shorter later may
  /// wait.
  [[nodiscard]] virtual bool is_behind() const = 0;
  /// Says what waits, then the Close frame; nothing after it. Twice is harmless: the first counts.
  /// `reason` is UTF-8 of at most 123 bytes.
  virtual void close(CloseCode code, std::string reason = {}) = 0;

  /// The peer said who it is: ends the time in which it has to.
  virtual void greeted() = 0;
};

/// One end of a WebSocket, implemented by what is spoken on it.
///
/// Threads  every call comes from the connection's strand, one at a time: `on_open` first,
///          `on_closed` last and exactly once. An exception ends the connection with 1011.
class FrameHandler {
 public:
  virtual ~FrameHandler() = default;

  virtual void on_open(std::shared_ptr<FrameSink> sink) = 0;
  /// A whole message; text is valid UTF-8. To refuse a kind, close with `kUnsupported`.
  virtual void on_frame(FrameKind kind, std::string_view payload) = 0;
  /// `code` is the peer's, ours where we closed, or `kAbnormal`. `send` does nothing any more.
  virtual void on_closed(CloseCode code) = 0;
  /// The server drains: say so; the connection is closed later, by the server or by the handler.
  virtual void on_drain() {}
};

}  // namespace banter::serve
