#include "serve/routes/parlai_handler.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "serve/protocol/fields.h"
#include "serve/protocol/json_writer.h"
#include "serve/routes/seat.h"

namespace banter::serve {
namespace {

std::string message_text(const std::string& text) {
  JsonWriter writer;
  writer.open('{');
  writer.field("text", text);
  writer.close('}');
  return writer.take();
}

/// Tells replies and errors, nothing else.
class ParlaiPeer : public Peer {
 public:
  explicit ParlaiPeer(std::shared_ptr<FrameSink> sink) : sink_(std::move(sink)) {}

  void tell(const ServerFrame& frame, std::int64_t /*seq*/, std::string /*text*/) override {
    if (const auto* done = std::get_if<Done>(&frame)) {
      sink_->send(message_text(done->text));
    } else if (const auto* error = std::get_if<ErrorFrame>(&frame)) {
      sink_->send(message_text(error->message));
    } else if (std::holds_alternative<Ready>(frame)) {
      sink_->send(message_text("You can talk now. [RESET] begins anew, [DONE] ends."));
    }
  }
  void leave(CloseCode code) override { sink_->close(code, std::string(name_of(code))); }

 private:
  std::shared_ptr<FrameSink> sink_;
};

class ParlaiHandler final : public FrameHandler {
 public:
  ParlaiHandler(Hub& hub, Caller caller)
      : hub_(hub),
        caller_(std::move(caller)),
        bad_frames_(hub.options().chat.bad_frames - 1, std::chrono::minutes(1)) {}

  void on_open(std::shared_ptr<FrameSink> sink) override {
    sink_ = std::move(sink);
    peer_ = std::make_shared<ParlaiPeer>(sink_);
    seat_ = std::make_shared<Seat>(peer_);
  }

  void on_frame(FrameKind kind, std::string_view payload) override {
    if (kind == FrameKind::kBinary) return peer_->leave(CloseCode::kUnsupported);
    try {
      take(text_of(payload));
    } catch (const RequestError& error) {
      sink_->send(message_text(error.what()));
      if (bad_frames_.take(Clock::now())) peer_->leave(CloseCode::kBadRequests);
    }
  }

  void on_closed(CloseCode /*code*/) override {
    const auto session = seat_->session();
    seat_->leave();
    if (session) session->discard();  // nobody can come back to it
  }

 private:
  [[nodiscard]] std::string text_of(std::string_view payload) const {
    const auto value = read_json(payload);
    const TextRule rule{.max_chars = hub_.options().frames.max_text_chars,
                        .when_longer = ErrorCode::kTooLong};
    return Fields::of(value, "message").text("text", rule);
  }

  void take(const std::string& text) {
    const auto session = seat_->session();
    if (text == "[DONE]" || base::equal_but_for_case(text, "exit"))
      return peer_->leave(CloseCode::kNormal);
    if (!session) {
      if (std::exchange(is_opening_, true))
        return void(sink_->send(message_text("One moment: say it again when you are let in.")));
      sink_->greeted();
      hub_.open(visitor_of(caller_.user, caller_.address), seat_->entry());
    } else if (text == "[RESET]") {
      seat_->take(Reset{});
    } else {
      seat_->take(Message{.id = "parlai-" + std::to_string(++messages_), .text = text});
    }
  }

  Hub& hub_;
  Caller caller_;
  std::shared_ptr<FrameSink> sink_;
  std::shared_ptr<ParlaiPeer> peer_;
  std::shared_ptr<Seat> seat_;
  RateLimit bad_frames_;
  std::int64_t messages_ = 0;
  bool is_opening_ = false;
};

}  // namespace

std::unique_ptr<FrameHandler> make_parlai_handler(Hub& hub, const Caller& caller) {
  return std::make_unique<ParlaiHandler>(hub, caller);
}

}  // namespace banter::serve
