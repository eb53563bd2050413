#include "serve/sessions/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/hash.h"
#include "serve/archive/storage_error.h"
#include "serve/protocol/request_error.h"
#include "serve/sessions/asked_turn.h"
#include "serve/sessions/dialogue_line.h"
#include "serve/sessions/secrets.h"
#include "serve/sessions/stored_frames.h"

namespace banter::serve {
namespace {

constexpr std::chrono::minutes kMinute{1};
constexpr std::int64_t kReadsPerMinute = 120;  // of history and export

std::chrono::milliseconds rounded_up(Clock::duration time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

}  // namespace

Session::Session(Hub& hub, const SessionRow& row, std::string owner,
                 const std::vector<TurnRow>& turns, std::vector<TurnRow> owed,
                 const ServedModel& model)
    : hub_(hub),
      id_(row.id),
      owner_(std::move(owner)),
      epoch_(row.epoch),
      dialogue_(row.dialogue),
      persona_(stored_persona(row.persona)),
      decode_(stored_settings(row.decode, model.decode)),
      replay_(hub.options().chat.replay_bytes),
      turns_(hub.options().chat.turns_per_minute, kMinute),
      refused_turns_(hub.options().chat.turns_per_minute, kMinute),
      reads_(kReadsPerMinute, kMinute) {
  if (std::ranges::find(model.attention, attention_) == model.attention.end())
    attention_ = AttentionLevel::kNone;
  for (const auto& turn : turns) {
    note_said(model, turn.turn, turn.role == TurnRole::kUser ? kUserSpeaker : kReplySpeaker,
              turn.text);
    note_asked(turn.client_id);
  }
  for (auto& reply : owed) {
    if (reply.dialogue != dialogue_) {  // nobody waits for it any more
      hub_.archive().finish_reply({.session = id_,
                                   .dialogue = reply.dialogue,
                                   .turn = reply.turn,
                                   .version = reply.version,
                                   .finish = std::string(name_of(Finish::kError))},
                                  [](auto&&) {});
      continue;
    }
    // Known by what asked for it: a first version by its message.
    const auto is_message = [&](const TurnRow& turn) {
      return turn.dialogue == reply.dialogue && turn.turn + 1 == reply.turn;
    };
    const auto message = std::ranges::find_if(turns, is_message);
    if (reply.client_id.empty() && message != turns.end()) reply.client_id = message->client_id;
    owed_.push_back(std::move(reply));
  }
}

/// A turn that was said, or a new version of one.
void Session::note_said(const ServedModel& model, std::int64_t turn, std::int64_t speaker,
                        const std::string& text) {
  if (text.empty()) return;  // nothing was said
  data::Context::Row row{.ids = model.tokenizer->encode(text), .speaker = speaker};
  const auto known = std::ranges::find(said_, turn, &Said::turn);
  if (known != said_.end()) {
    known->row = std::move(row);
    return;
  }
  said_.push_back({.turn = turn, .row = std::move(row)});
  while (std::ssize(said_) > model.limits.max_context_turns + kTurnsBehind) said_.pop_front();
}

// ---- the connection ---------------------------------------------------------------------------

Ready Session::ready(const Arrival& arrival) const {
  const auto& options = hub_.options();
  const auto model = hub_.model();
  return {.session = id_,
          .epoch = epoch_,
          .resume_token = arrival.resume_token,
          .resumed = arrival.is_resumed,
          .model = model->name,
          .limits = {.bytes = static_cast<std::int64_t>(kMaxFrameBytes),
                     .chars = options.frames.max_text_chars,
                     .tokens = model->limits.max_turn_tokens,
                     .turns_per_min = options.chat.turns_per_minute},
          .personas = options.personas,
          .decode = model->decode,
          .attention = model->attention};
}

bool Session::attach(std::shared_ptr<Peer> peer, const Arrival& arrival) {
  const std::lock_guard lock(mutex_);
  if (is_gone_) return false;
  if (arrival.number < arrival_) {
    peer->leave(CloseCode::kTakenOver);
    return true;
  }
  arrival_ = arrival.number;
  if (peer_) peer_->leave(CloseCode::kTakenOver);
  peer_.reset();
  flush_held();
  peer_ = std::move(peer);
  unproven_ = base::sha256_hex(arrival.resume_token);
  auto missed = replay_.take_after(arrival.last_seq.value_or(seq_));
  tell_once(ready(arrival), ++seq_);  // its token is for this peer
  for (auto& frame : missed) tell(std::move(frame));
  make_owed();
  return true;
}

void Session::detach(const Peer* peer) {
  const std::lock_guard lock(mutex_);
  if (peer_.get() != peer) return;
  peer_.reset();
  flush_held();
  detached_ = Clock::now();
}

bool Session::retire(Clock::time_point time) {
  const std::lock_guard lock(mutex_);
  is_gone_ |= !peer_ && !running_ && detached_ <= time;
  return is_gone_;
}

void Session::flush_held() {
  if (held_) tell_now(std::exchange(held_, std::nullopt).value());
}

void Session::tell(ServerFrame frame) {
  flush_held();
  tell_now(std::move(frame));
}

void Session::tell_now(ServerFrame frame) {
  auto text = server_frame_text(frame, ++seq_);
  // In memory its texts are about those of its JSON.
  const auto bytes = static_cast<std::int64_t>(sizeof(ServerFrame) + text.size());
  if (peer_) peer_->tell(frame, seq_, std::move(text));
  replay_.add(seq_, std::move(frame), bytes);
}

/// What is not told again to who missed it.
void Session::tell_once(const ServerFrame& frame, std::int64_t seq) {
  if (peer_) peer_->tell(frame, seq, server_frame_text(frame, seq));
}

void Session::tell_error(ErrorCode code, const std::string& message, const std::string& id,
                         std::optional<Clock::duration> retry_after) {
  ErrorFrame error{.code = code, .message = message};
  if (!id.empty()) error.id = id;
  if (retry_after) error.retry_after = rounded_up(*retry_after);
  tell(std::move(error));
}

/// Says why, and ends the connection.
void Session::end_with(ErrorCode code, const std::string& message, CloseCode close) {
  tell(ErrorFrame{.code = code, .message = message, .fatal = true});
  if (peer_) peer_->leave(close);
  peer_.reset();
  detached_ = Clock::now();
}

void Session::refuse(const Peer* peer, const ErrorFrame& error) {
  const std::lock_guard lock(mutex_);
  if (peer_.get() == peer) tell(error);
}

void Session::drain(std::chrono::milliseconds deadline) {
  const std::lock_guard lock(mutex_);
  tell_once(Draining{.deadline = deadline}, seq_);
}

void Session::discard() {
  const std::lock_guard lock(mutex_);
  on(Delete{});
}

void Session::take(const Peer* peer, const ClientFrame& frame) {
  const std::lock_guard lock(mutex_);
  if (peer_.get() != peer) return;  // another connection has taken over
  if (!unproven_.empty())           // whoever speaks has read the last `ready`
    hub_.archive().prove_resume(id_, std::exchange(unproven_, {}), [](auto&&) {});
  std::visit([this](const auto& one) { on(one); }, frame);
}

// ---- settings ---------------------------------------------------------------------------------

void Session::on(const Hello& /*hello*/) {
  tell_error(ErrorCode::kBadRequest, "hello is said once, as a connection's first frame");
}

void Session::on(const Ping& ping) { tell_once(Pong{.t = ping.t}, seq_); }

void Session::on(const SessionUpdate& update) {
  const auto model = hub_.model();
  auto persona = persona_;
  if (update.persona) persona = *update.persona;
  if (update.persona && persona.id) {
    const auto& known = hub_.options().personas;
    const auto found = std::ranges::find(known, persona.id, &Persona::id);
    if (found == known.end())
      throw RequestError(ErrorCode::kNotFound, "persona.id is none of the personas of ready",
                         "persona.id");
    persona = *found;
  }
  if (update.attention) check_attention(*update.attention, *model, "attention");
  if (update.decode)
    decode_ = overlaid(decode_, *update.decode, model->decode.defaults, model->decode.limits);
  persona_ = std::move(persona);
  attention_ = update.attention.value_or(attention_);
  is_attention_live_ = update.attention_live.value_or(is_attention_live_);
  SessionUpdated updated{.persona = persona_,
                         .decode = decode_,
                         .attention = attention_,
                         .attention_live = is_attention_live_};
  hub_.archive().change_session(
      {.session = id_, .persona = persona_text(persona_), .decode = decode_text(decode_)},
      [self = shared_from_this(), updated](const auto& result) {
        const std::lock_guard lock(self->mutex_);
        if (self->was_stored(result.status, result.error)) self->tell(updated);
      });
}

/// Whether a write went well; else the client is told. `id`: of what asked for it, where it has
/// one.
bool Session::was_stored(WriteStatus status, const std::string& error, const std::string& id) {
  switch (status) {
    case WriteStatus::kDone:
    case WriteStatus::kKnown:
      return true;
    case WriteStatus::kFailed:
      log_failure(error);
      tell_error(ErrorCode::kStorage, "the archive cannot be written", id, std::chrono::seconds(1));
      return false;
    default:
      end_with(ErrorCode::kSessionExpired,
               status == WriteStatus::kHeld ? "another server goes on with this session"
                                            : "the session is gone",
               CloseCode::kExpired);
      hub_.remove(id_);
      return false;
  }
}

// ---- the conversation as a whole --------------------------------------------------------------

void Session::on(const Reset& /*reset*/) {
  if (running_) return tell_error(ErrorCode::kBusy, "a turn of this session runs");
  hub_.archive().start_dialogue(id_, [self = shared_from_this()](const auto& result) {
    const std::lock_guard lock(self->mutex_);
    if (!self->was_stored(result.status, result.error)) return;
    self->dialogue_ = result.value.dialogue;
    self->said_.clear();
    self->hub_.forget(self->id_);
  });
}

/// Whether the archive may be read once more now; else the client is told. `id`: of what asked for
/// it, where it has one.
bool Session::may_read(const std::string& id) {
  const auto wait = reads_.take(Clock::now());
  if (wait)
    tell_error(ErrorCode::kRateLimited, "too many requests of what is stored in a minute", id,
               wait);
  return !wait;
}

void Session::on(const HistoryRequest& request) {
  if (!may_read()) return;
  hub_.options().run_later([self = shared_from_this(), dialogue = dialogue_, request] {
    try {
      auto history = history_of(
          self->hub_.archive().history(self->id_, dialogue, request.before, request.limit));
      const std::lock_guard lock(self->mutex_);
      self->tell(std::move(history));
    } catch (const StorageError& error) {
      self->note_failed_read(error);
    }
  });
}

void Session::on(const Export& /*frame*/) {
  if (!may_read()) return;
  hub_.options().run_later([self = shared_from_this(), dialogue = dialogue_, persona = persona_] {
    try {
      const auto turns = self->hub_.archive().dialogue(self->id_, dialogue);
      Exported exported{.dialogue = dialogue_line(self->id_, turns, persona)};
      const std::lock_guard lock(self->mutex_);
      self->tell(std::move(exported));
    } catch (const StorageError& error) {
      self->note_failed_read(error);
    }
  });
}

void Session::log_failure(std::string_view what) const {
  hub_.log(
      {.level = LogLevel::kError, .event = "archive", .detail = what, .session = name_in_log(id_)});
}

void Session::note_failed_read(const std::exception& error) {
  log_failure(error.what());
  const std::lock_guard lock(mutex_);
  tell_error(ErrorCode::kStorage, "the archive cannot be read");
}

void Session::on(const Delete& /*frame*/) {
  if (running_) {
    running_->is_cancelled = true;
    if (running_->number) hub_.cancel(*running_->number);
  }
  hub_.archive().delete_session(id_, [self = shared_from_this()](const auto& result) {
    {
      const std::lock_guard lock(self->mutex_);
      if (!self->was_stored(result.status, result.error)) return;
      if (self->peer_) self->peer_->leave(CloseCode::kNormal);
      self->peer_.reset();
    }
    self->hub_.remove(self->id_);
  });
}

void Session::on(const Rate& rate) {
  hub_.archive().rate({.session = id_, .turn = rate.turn, .value = rate.value},
                      [self = shared_from_this()](const auto& result) {
                        const std::lock_guard lock(self->mutex_);
                        if (result.status == WriteStatus::kMissing)
                          return self->tell_error(ErrorCode::kNotFound,
                                                  "turn is no finished reply of this dialogue");
                        (void)self->was_stored(result.status, result.error);
                      });
}

}  // namespace banter::serve
