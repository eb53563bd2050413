#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "serve/sessions/hub.h"
#include "serve/sessions/peer.h"
#include "serve/sessions/session.h"

namespace banter::serve {

/// Who a connection is, to the limits that it shares.
inline Visitor visitor_of(const std::string& user, const std::string& address) {
  return {.user = user, .owner = user.empty() ? address : "token:" + user};
}

/// A connection's place at a session, which is opened for it on another thread: whoever comes
/// second, the session or the connection's end, finds the other here.
class Seat : public std::enable_shared_from_this<Seat> {
 public:
  explicit Seat(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}

  /// Does what the client asks for; false while it was not let in. Throws   RequestError
  bool take(const ClientFrame& frame) const {
    const auto [session, peer] = both();
    if (session) session->take(peer.get(), frame);
    return session != nullptr;
  }
  bool refuse(const ErrorFrame& error) const {
    const auto [session, peer] = both();
    if (session) session->refuse(peer.get(), error);
    return session != nullptr;
  }

  /// Null while nobody was let in.
  [[nodiscard]] std::shared_ptr<Session> session() const {
    const std::lock_guard lock(mutex_);
    return session_;
  }

  /// What the hub calls with the session or the refusal; the latter is told and ends the
  /// connection.
  OnEntry entry() {
    return [self = shared_from_this()](auto entry) {
      const std::lock_guard lock(self->mutex_);
      if (!self->peer_) return;
      if (const auto* refusal = std::get_if<Refusal>(&entry)) {
        self->turn_away(*refusal);
        return;
      }
      const auto& [session, arrival] = std::get<0>(entry);
      self->session_ = session;
      if (session->attach(self->peer_, arrival)) return;
      self->session_
          .reset();  // it left its memory in between: the next try finds it in the archive
      self->turn_away({.error = {.code = ErrorCode::kOverloaded,
                                 .message = "the session is being put away",
                                 .retry_after = std::chrono::milliseconds(100),
                                 .fatal = true},
                       .close = CloseCode::kTryLater});
    };
  }

  /// The connection has ended.
  void leave() {
    std::shared_ptr<Session> session;
    std::shared_ptr<Peer> peer;
    {
      const std::lock_guard lock(mutex_);
      session = std::move(session_);
      peer = std::move(peer_);
    }
    if (session) session->detach(peer.get());
  }

 private:
  void turn_away(const Refusal& refusal) const {
    peer_->tell(refusal.error, 0, server_frame_text(refusal.error, 0));
    peer_->leave(refusal.close);
  }

  std::pair<std::shared_ptr<Session>, std::shared_ptr<Peer>> both() const {
    const std::lock_guard lock(mutex_);
    return {session_, peer_};
  }

  mutable std::mutex mutex_;
  std::shared_ptr<Peer> peer_;
  std::shared_ptr<Session> session_;
};

}  // namespace banter::serve
