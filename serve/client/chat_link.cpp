#include "serve/client/chat_link.h"

#include <algorithm>
#include <array>
#include <exception>
#include <type_traits>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::serve {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortWait{200};
constexpr milliseconds kResetLook{50};  ///< between two looks whether a reset has happened
constexpr std::uint16_t kNormalClose = 1000;

/// After these a new connection meets the same.
constexpr std::array kFinalCloses = {
    CloseCode::kProtocol,  CloseCode::kUnsupported, CloseCode::kBadUtf8,   CloseCode::kPolicy,
    CloseCode::kTooBig,    CloseCode::kBadRequests, CloseCode::kForbidden, CloseCode::kUnauthorized,
    CloseCode::kTakenOver, CloseCode::kExpired,
};

bool passes_with_time(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBusy:
    case ErrorCode::kOverloaded:
    case ErrorCode::kRateLimited:
    case ErrorCode::kModelUnavailable:
    case ErrorCode::kStorage:
      return true;
    default:
      return false;
  }
}

std::string sentence_of_close(std::uint16_t code, const std::string& reason) {
  if (code == static_cast<std::uint16_t>(CloseCode::kTakenOver))
    return "another connection has taken over this conversation";
  if (code == static_cast<std::uint16_t>(CloseCode::kAbnormal))
    return reason.empty() ? "the connection was lost" : reason;
  return "the server closed the connection with " + std::to_string(code) +
         (reason.empty() ? "" : " (" + reason + ")");
}

/// What a request is known by, "" where it has no id.
std::string id_of(const ClientFrame& frame) {
  if (const auto* message = std::get_if<Message>(&frame)) return message->id;
  if (const auto* regenerate = std::get_if<Regenerate>(&frame)) return regenerate->id;
  return {};
}

}  // namespace

ChatLink::ChatLink(const Strand& strand, LinkOptions options,
                   std::function<void(LinkEvent)> on_event)
    : strand_(strand),
      options_(std::move(options)),
      on_event_(std::move(on_event)),
      back_off_(options_.seed),
      pause_(strand_),
      retry_(strand_) {}

void ChatLink::start() {
  net::co_spawn(strand_, run(), [self = shared_from_this()](const std::exception_ptr& failure) {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      self->end(error.what());
    }
  });
}

void ChatLink::ask(ClientFrame frame) {
  net::post(strand_, [self = shared_from_this(), frame = std::move(frame)]() mutable {
    if (self->is_over_) return;
    self->asked_ = Asked{.frame = std::move(frame), .since = Clock::now()};
    if (self->is_ready_) self->send_asked();
  });
}

void ChatLink::leave() {
  net::post(strand_, [self = shared_from_this()] {
    self->is_leaving_ = true;
    self->pause_.cancel();
    self->retry_.cancel();
    if (!self->socket_) return;
    if (self->is_ready_) return self->socket_->close(kNormalClose);
    self->socket_->cut();
  });
}

/// Says that it is over, once.
void ChatLink::end(std::string why) {
  if (is_over_) return;
  is_over_ = true;
  is_ready_ = false;
  retry_.cancel();
  on_event_(LinkEnd{std::move(why)});
}

Task<void> ChatLink::run() {
  const auto self = shared_from_this();
  while (!is_leaving_) {
    auto why = co_await talk();
    socket_.reset();  // and with it the timer that would ask for a ping
    if (is_ready_) well_since_ = Clock::now();
    is_ready_ = false;
    retry_.cancel();
    if (is_leaving_) break;
    if (!fault_.empty()) co_return end(std::move(fault_));
    if (Clock::now() - well_since_ > options_.patience) co_return end(std::move(why));
    on_event_(LinkLost{std::move(why)});
    pause_.expires_after(std::max(back_off_.next(), std::exchange(wait_, milliseconds(0))));
    (void)co_await pause_.async_wait(kNoThrow);
  }
  end("");
}

/// One connection from its beginning to its end. Returns why it ended.
Task<std::string> ChatLink::talk() {
  refusal_.clear();
  socket_ = ClientSocket::make(strand_, options_.socket);
  const auto failure = co_await socket_->open(options_.endpoints);
  if (failure) {
    auto why = options_.socket.address.text() + ": " + failure->why;
    if (failure->status == 401 || failure->status == 403)
      why += "; name a token that it knows in BANTER_TOKEN or with --token-file";
    if (failure->is_final || !where_) fault_ = why;  // the first try is the one to tell
    if (failure->status == 503 || failure->status == 429) fault_.clear();
    co_return why;
  }
  greet();
  for (;;) {
    const auto received = co_await socket_->receive();
    if (received.text) {
      if (fault_.empty()) take(*received.text);
      continue;
    }
    const auto why =
        refusal_.empty() ? sentence_of_close(received.close_code, received.why) : refusal_;
    const auto code = CloseCode{received.close_code};
    if (fault_.empty() && std::ranges::find(kFinalCloses, code) != kFinalCloses.end()) fault_ = why;
    co_return why;
  }
}

void ChatLink::greet() {
  socket_->send(client_frame_text(
      Hello{.token = options_.socket.token, .client = "banter", .resume = where_}));
}

void ChatLink::send(const ClientFrame& frame) {
  if (is_ready_) socket_->send(client_frame_text(frame));
}

/// Whether a frame's number is the next one.
bool ChatLink::is_in_order(const NumberedFrame& numbered) const {
  if (!is_ready_) return true;
  const auto last = where_.value().last_seq;
  if (numbered.seq == last + 1) return true;
  return numbered.seq == last && (!numbered.frame || repeats_seq(*numbered.frame));
}

void ChatLink::take(const std::string& text) {
  NumberedFrame numbered;
  try {
    numbered = read_server_frame(text, limits_);
  } catch (const base::DataError& error) {
    fault_ = error.what();
    return socket_->close(static_cast<std::uint16_t>(CloseCode::kProtocol));
  }
  if (!is_in_order(numbered)) {
    refusal_ = "a frame of the server is missing";
    return socket_->cut();  // the next connection asks for it
  }
  if (is_ready_) where_.value().last_seq = numbered.seq;
  if (!numbered.frame) return;
  auto& frame = *numbered.frame;
  if (const auto* ready = std::get_if<Ready>(&frame)) take_ready(*ready, numbered.seq);
  if (const auto* error = std::get_if<ErrorFrame>(&frame)) {
    if (error->fatal || !is_ready_) return take_error(*error);
    if (is_for_asked(*error) && helps_to_wait(*error))
      return ask_again_after(error->retry_after.value_or(kShortWait), /*is_whole=*/true);
  }
  const bool ends = is_answer(frame);
  if (ends) asked_.reset();
  on_event_(LinkFrame{std::move(frame), ends});
}

void ChatLink::take_ready(const Ready& ready, std::int64_t seq) {
  const bool is_new_life = where_ && where_->epoch != ready.epoch;
  where_ = Resume{.session = ready.session,
                  .resume_token = ready.resume_token,
                  .epoch = ready.epoch,
                  .last_seq = seq};
  limits_ = ready.decode.limits;
  is_ready_ = true;
  back_off_.succeeded();
  if (is_new_life && attention_) send(SessionUpdate{.attention = attention_});
  if (!asked_) return;
  // Within one life of the session an accepted turn's `done` comes by itself.
  if (is_new_life || !asked_->is_accepted) send_asked();
}

/// The connection ends, or was never a session's.
void ChatLink::take_error(const ErrorFrame& error) {
  refusal_ = "the server refuses: " + base::printable(error.message, 1000);
  if (!passes_with_time(error.code) && error.code != ErrorCode::kTimeout &&
      error.code != ErrorCode::kInternal)
    fault_ = refusal_;
  wait_ = error.retry_after.value_or(milliseconds(0));
  if (!error.fatal) socket_->close(kNormalClose);
}

bool ChatLink::is_for_asked(const ErrorFrame& error) const {
  return asked_ && error.id.value_or("") == id_of(asked_->frame);
}

bool ChatLink::helps_to_wait(const ErrorFrame& error) const {
  return passes_with_time(error.code) && Clock::now() - asked_.value().since < options_.patience;
}

bool ChatLink::is_answer(const ServerFrame& frame) {
  if (!asked_) return false;
  const auto id = id_of(asked_->frame);
  if (const auto* accepted = std::get_if<Accepted>(&frame)) {
    if (accepted->id == id) asked_->is_accepted = true;
    return false;
  }
  if (const auto* error = std::get_if<ErrorFrame>(&frame)) return is_for_asked(*error);
  if (const auto* done = std::get_if<Done>(&frame)) return !id.empty() && done->id == id;
  if (const auto* history = std::get_if<History>(&frame)) {
    if (std::holds_alternative<HistoryRequest>(asked_->frame)) return true;
    if (!std::holds_alternative<Reset>(asked_->frame)) return false;
    if (history->items.empty()) return true;
    ask_again_after(kResetLook, /*is_whole=*/false);
    return false;
  }
  if (std::holds_alternative<SessionUpdated>(frame))
    return std::holds_alternative<SessionUpdate>(asked_->frame);
  return std::holds_alternative<Exported>(frame) && std::holds_alternative<Export>(asked_->frame);
}

void ChatLink::send_asked() {
  const auto& frame = asked_.value().frame;
  if (const auto* update = std::get_if<SessionUpdate>(&frame); update && update->attention)
    attention_ = update->attention;
  send(frame);
  // A reset has no answer of its own: it has happened when no turn is there any more.
  if (std::holds_alternative<Reset>(frame)) send(HistoryRequest{.limit = 1});
}

/// `is_whole`: what was asked; else only whether it has happened.
void ChatLink::ask_again_after(milliseconds wait, bool is_whole) {
  retry_.expires_after(wait);
  retry_.async_wait([self = shared_from_this(), is_whole](IoError error) {
    if (error || !self->is_ready_ || !self->asked_) return;
    if (is_whole) return self->send_asked();
    self->send(HistoryRequest{.limit = 1});
  });
}

}  // namespace banter::serve
