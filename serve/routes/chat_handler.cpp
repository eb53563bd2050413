#include "serve/routes/chat_handler.h"

#include <chrono>
#include <utility>

#include "serve/protocol/request_error.h"
#include "serve/routes/seat.h"

namespace banter::serve {
namespace {

/// A connection as its session sees it.
class ChatPeer : public Peer {
 public:
  explicit ChatPeer(std::shared_ptr<FrameSink> sink) : sink_(std::move(sink)) {}

  void tell(const ServerFrame& /*frame*/, std::int64_t /*seq*/, std::string text) override {
    sink_->send(std::move(text));
  }
  [[nodiscard]] bool is_behind() const override { return sink_->is_behind(); }
  void leave(CloseCode code) override { sink_->close(code, std::string(name_of(code))); }

 private:
  std::shared_ptr<FrameSink> sink_;
};

/// What the client calls a frame, "" where it has no name.
std::string id_of(const ClientFrame& frame) {
  if (const auto* message = std::get_if<Message>(&frame)) return message->id;
  if (const auto* regenerate = std::get_if<Regenerate>(&frame)) return regenerate->id;
  return {};
}

class ChatHandler final : public FrameHandler {
 public:
  ChatHandler(Hub& hub, std::shared_ptr<const Tokens> tokens, Caller caller)
      : hub_(hub),
        tokens_(std::move(tokens)),
        caller_(std::move(caller)),
        bad_frames_(hub.options().chat.bad_frames - 1, std::chrono::minutes(1)) {}

  void on_open(std::shared_ptr<FrameSink> sink) override {
    sink_ = std::move(sink);
    seat_ = std::make_shared<Seat>(std::make_shared<ChatPeer>(sink_));
  }

  void on_frame(FrameKind kind, std::string_view payload) override {
    if (kind == FrameKind::kBinary) return leave(CloseCode::kUnsupported);
    std::string id;
    try {
      const auto frame = read_client_frame(payload, hub_.frame_limits());
      id = id_of(frame);
      take(frame);
    } catch (RequestError& error) {
      if (error.id.empty()) error.id = id;
      refuse(ErrorFrame::of(error));
    }
  }

  void on_closed(CloseCode /*code*/) override { seat_->leave(); }

 private:
  void leave(CloseCode code) { sink_->close(code, std::string(name_of(code))); }

  void take(const ClientFrame& frame) {
    if (seat_->take(frame)) return;
    const auto* hello = std::get_if<Hello>(&frame);
    if (hello == nullptr || was_greeted_)
      throw RequestError(ErrorCode::kBadRequest, was_greeted_
                                                     ? "hello is not answered yet: wait for ready"
                                                     : "the first frame must be hello");
    greet(*hello);
  }

  void greet(const Hello& hello) {
    auto user = caller_.user;
    if (tokens_ && user.empty()) user = tokens_->name_of(hello.token.value_or("")).value_or("");
    if (tokens_ && user.empty()) {
      const ErrorFrame error{
          .code = ErrorCode::kUnauthorized, .message = "a valid token is needed", .fatal = true};
      sink_->send(server_frame_text(error, 0));
      return leave(CloseCode::kUnauthorized);
    }
    was_greeted_ = true;
    sink_->greeted();
    const auto visitor = visitor_of(user, caller_.address);
    if (hello.resume) {
      hub_.resume(visitor, *hello.resume, seat_->entry());
    } else {
      hub_.open(visitor, seat_->entry());
    }
  }

  /// A frame that cannot be taken; many in a short time end the connection.
  void refuse(const ErrorFrame& error) {
    const bool is_bad = error.code != ErrorCode::kNotFound;
    if (!seat_->refuse(error)) sink_->send(server_frame_text(error, 0));
    if (is_bad && bad_frames_.take(Clock::now())) leave(CloseCode::kBadRequests);
  }

  Hub& hub_;
  std::shared_ptr<const Tokens> tokens_;
  Caller caller_;
  std::shared_ptr<FrameSink> sink_;
  std::shared_ptr<Seat> seat_;
  RateLimit bad_frames_;
  bool was_greeted_ = false;
};

}  // namespace

std::unique_ptr<FrameHandler> make_chat_handler(Hub& hub, std::shared_ptr<const Tokens> tokens,
                                                const Caller& caller) {
  return std::make_unique<ChatHandler>(hub, std::move(tokens), caller);
}

}  // namespace banter::serve
