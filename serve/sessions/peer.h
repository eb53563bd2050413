#pragma once

#include <cstdint>
#include <string>

#include "serve/close_code.h"
#include "serve/protocol/server_frame.h"

namespace banter::serve {

/// The other end of a session, as the session sees it: a connection of whatever protocol.
///
/// Threads  calls come from any thread, one at a time, under the session's lock: they must neither
///          block nor call the session
class Peer {
 public:
  virtual ~Peer() = default;
  /// `text`: the frame with its number, as chat.v1 writes it.
  virtual void tell(const ServerFrame& frame, std::int64_t seq, std::string text) = 0;
  /// Whether frames are there that it has not taken yet: deltas may wait, to become one.
  [[nodiscard]] virtual bool is_behind() const { return false; }
  /// Nothing comes behind it.
  virtual void leave(CloseCode code) = 0;
};

}  // namespace banter::serve
