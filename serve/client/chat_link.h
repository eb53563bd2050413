#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "serve/client/back_off.h"
#include "serve/client/client_socket.h"
#include "serve/client/server_frame_reader.h"
#include "serve/protocol/client_frame.h"

namespace banter::serve {

struct LinkOptions {
  ClientSocketOptions socket;
  std::vector<Endpoint> endpoints;
  std::chrono::milliseconds patience{300'000};  ///< with a server that is away or refuses for now
  std::uint64_t seed = 0;                       ///< of the waits between tries
};

/// A frame of the server; `is_answer` when it ends what was asked.
struct LinkFrame {
  ServerFrame frame;
  bool is_answer = false;
};
/// The connection is lost, and looked for again.
struct LinkLost {
  std::string why;
};
/// The link is over. "" where `leave` was called.
struct LinkEnd {
  std::string why;
};
using LinkEvent = std::variant<LinkFrame, LinkLost, LinkEnd>;

/// A chat.v1 session that outlives its connections: when one is lost, the next resumes the session
/// and asks again what was not answered, a message under its own id, so that nothing is lost and
/// nothing is said twice.
///
/// Threads  `start`, `ask` and `leave` from any; events come from the strand
class ChatLink : public std::enable_shared_from_this<ChatLink> {
 public:
  ChatLink(const Strand& strand, LinkOptions options, std::function<void(LinkEvent)> on_event);

  void start();
  /// Asks for one thing; before the next, its answer must have come. A Message or Regenerate is
  /// answered by its `done`, an update, export or history by theirs, a Reset by an empty history;
  /// each also by an `error` that waiting does not help. Other frames have no answer.
  void ask(ClientFrame frame);
  void leave();

 private:
  using Clock = std::chrono::steady_clock;
  struct Asked {
    ClientFrame frame;
    Clock::time_point since;
    bool is_accepted = false;
  };

  Task<void> run();
  Task<std::string> talk();
  void greet();
  void take(const std::string& text);
  void take_ready(const Ready& ready, std::int64_t seq);
  void take_error(const ErrorFrame& error);
  [[nodiscard]] bool is_in_order(const NumberedFrame& numbered) const;
  [[nodiscard]] bool is_answer(const ServerFrame& frame);
  [[nodiscard]] bool is_for_asked(const ErrorFrame& error) const;
  [[nodiscard]] bool helps_to_wait(const ErrorFrame& error) const;
  void send_asked();
  void ask_again_after(std::chrono::milliseconds wait, bool is_whole);
  void send(const ClientFrame& frame);
  void end(std::string why);

  const Strand strand_;
  const LinkOptions options_;
  const std::function<void(LinkEvent)> on_event_;
  BackOff back_off_;
  Timer pause_, retry_;
  std::shared_ptr<ClientSocket> socket_;

  std::optional<Resume> where_;  ///< the session, once there is one
  DecodeLimits limits_;
  std::optional<AttentionLevel> attention_;  ///< asked for; servers do not store it
  std::optional<Asked> asked_;
  Clock::time_point well_since_ =
      Clock::now();                    ///< when a session was last connected, or the start
  std::chrono::milliseconds wait_{0};  ///< that the server asked for, before a next try
  bool is_ready_ = false;              ///< of this connection
  bool is_leaving_ = false, is_over_ = false;
  std::string fault_;    ///< why no next connection is tried
  std::string refusal_;  ///< what the server said before it ended this connection
};

}  // namespace banter::serve
