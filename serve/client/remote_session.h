#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/errors.h"
#include "serve/client/chat_link.h"

namespace banter::serve {

/// The connection is over for good: the server cannot be reached, refuses the client, or says what
/// is no chat.v1.
class ServerError : public base::Error {
 public:
  using base::Error::Error;
};

/// A ChatLink on a thread of its own, for a caller that waits for its answers.
class RemoteSession {
 public:
  using OnFrame = std::function<void(const ServerFrame&)>;
  using OnNote = std::function<void(const std::string&)>;

  /// `on_note` is told when the server is lost and found again, on the caller's thread.
  RemoteSession(LinkOptions options, OnNote on_note);
  ~RemoteSession();  ///< closes the connection in order
  RemoteSession(const RemoteSession&) = delete;
  RemoteSession& operator=(const RemoteSession&) = delete;

  /// Waits for the session.
  /// Throws   ServerError; Stopped when a signal comes
  Ready open();

  /// Asks, and waits for the answer (see `ChatLink::ask`); `on_frame` gets what comes before it.
  /// Throws   as `open`; DataError with the server's message when the answer is an `error`
  ServerFrame ask(ClientFrame request, const OnFrame& on_frame = {});

 private:
  LinkEvent next();
  void note(const LinkEvent& event);

  const OnNote on_note_;
  net::io_context context_{1};
  std::shared_ptr<ChatLink> link_;
  bool is_lost_ = false;
  std::optional<std::string> end_;  ///< why the link is over

  std::mutex mutex_;
  std::condition_variable has_event_;
  std::deque<LinkEvent> events_;
  std::jthread thread_;
};

}  // namespace banter::serve
