#include "serve/sessions/session.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "base/hash.h"
#include "models/decoding/search_input.h"
#include "serve/archive/storage_error.h"
#include "serve/protocol/request_error.h"
#include "serve/sessions/asked_turn.h"
#include "serve/sessions/dialogue_line.h"
#include "serve/sessions/secrets.h"
#include "serve/sessions/turn_teller.h"

namespace banter::serve {
namespace {

constexpr std::chrono::minutes kMinute{1};
constexpr std::int64_t kReadsPerMinute = 120;      // of history and export
constexpr std::size_t kHistoryBytes = 128 * 1024;  // of one frame: what a slow peer still gets

/// What a frame takes in memory, about: its texts are those of its JSON.
std::int64_t size_of(const ServerFrame& frame) {
  return static_cast<std::int64_t>(sizeof(ServerFrame) + server_frame_text(frame, 0).size());
}

std::chrono::milliseconds rounded_up(Clock::duration time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

template <typename Read>
auto part_of(const std::string& text, const Read& read) -> std::optional<decltype(read(text))> {
  if (text.empty()) return std::nullopt;
  try {
    return read(text);
  } catch (const RequestError&) {
    return std::nullopt;
  }
}

HistoryItem item_of(const HistoryRow& row) {
  const auto& turn = row.turn;
  HistoryItem item{.turn = turn.turn,
                   .version = turn.version,
                   .versions = row.versions,
                   .role = turn.role == TurnRole::kUser ? Role::kUser : Role::kReply,
                   .text = turn.text};
  if (turn.role == TurnRole::kUser) return item;
  item.finish = named<Finish>(turn.finish);
  item.attention = part_of(turn.attention, [](const auto& text) { return read_attention(text); });
  item.consistency =
      part_of(turn.consistency, [](const auto& text) { return read_consistency(text); });
  item.persona = stored_persona(turn.persona);
  item.rating = turn.rating;
  return item;
}

/// What is stored of a reply, as `done` tells it again.
Done done_of(const TurnRow& row, const std::string& id) {
  return {.id = id,
          .turn = row.turn,
          .finish = named<Finish>(row.finish).value_or(Finish::kError),
          .text = row.text,
          .consistency =
              part_of(row.consistency, [](const auto& text) { return read_consistency(text); }),
          .ms = {.queue = std::chrono::milliseconds(row.ms_queue),
                 .total = std::chrono::milliseconds(row.ms_total)},
          .seed = static_cast<std::int64_t>(row.seed)};
}

/// Throws   RequestError when a reply cannot begin with the prefix
void check_prefix(const DecodeSettings& decode, const ServedModel& model) {
  const auto& tokenizer = *model.tokenizer;
  const auto fault = models::fault_of_prefix(tokenizer.begin_reply(decode.prefix),
                                             search_options(decode, 0), tokenizer.special());
  if (!fault.empty()) refuse_field("decode.prefix", "shorter than max_new_tokens");
}

/// The newest items of a page that one frame carries.
History history_of(const HistoryPage& page) {
  History history{.items = {}, .more = page.has_more};
  std::size_t bytes = 0;
  for (auto row = page.items.rbegin(); row != page.items.rend(); ++row) {
    auto item = item_of(*row);
    bytes += server_frame_text(History{.items = {item}}, 0).size();
    if (bytes > kHistoryBytes && !history.items.empty()) {
      history.more = true;
      break;
    }
    history.items.push_back(std::move(item));
  }
  std::ranges::reverse(history.items);
  return history;
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
  for (const auto& turn : turns)
    note_said(model, turn.turn, turn.role == TurnRole::kUser ? kUserSpeaker : kReplySpeaker,
              turn.text);
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
  if (peer_) peer_->leave(CloseCode::kTakenOver);
  peer_.reset();
  flush_held();
  peer_ = std::move(peer);
  unproven_ = base::sha256_hex(arrival.resume_token);
  auto missed = replay_.take_after(arrival.last_seq.value_or(seq_));
  peer_->tell(ready(arrival), ++seq_);  // not to be told again: its token is for this peer
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
  if (held_) tell_now(*std::exchange(held_, std::nullopt));
}

void Session::tell(ServerFrame frame) {
  flush_held();
  tell_now(std::move(frame));
}

void Session::tell_now(ServerFrame frame) {
  ++seq_;
  if (peer_) peer_->tell(frame, seq_);
  const auto bytes = size_of(frame);
  replay_.add(seq_, std::move(frame), bytes);
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
  if (peer_) peer_->tell(Draining{.deadline = deadline}, seq_);
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

void Session::on(const Ping& ping) {
  if (peer_) peer_->tell(Pong{.t = ping.t}, seq_);
}

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
  if (update.attention &&
      std::ranges::find(model->attention, *update.attention) == model->attention.end())
    refuse_field("attention", "one of those that ready lists");
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
      hub_.log("archive", error);
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

// ---- a turn -----------------------------------------------------------------------------------

/// Whether a turn may begin now, which then has its place; else the client is told.
bool Session::may_begin(const std::string& id) {
  if (running_) {
    if (running_->id != id) tell_error(ErrorCode::kBusy, "a turn of this session runs already", id);
    return false;
  }
  const auto wait = turns_.take(Clock::now());
  if (wait && refused_turns_.take(Clock::now())) {
    end_with(ErrorCode::kRateLimited, "too many turns in a minute", CloseCode::kRateLimited);
    return false;
  }
  if (wait) {
    tell_error(ErrorCode::kRateLimited, "too many turns in a minute", id, wait);
    return false;
  }
  auto refusal = hub_.begin_turn(owner_);
  if (!refusal) return true;
  refusal->id = id;
  tell(*std::move(refusal));
  return false;
}

/// A turn runs from here on, as soon as `ask` has asked the archive to store it.
/// Throws   what `ask` throws; then none runs
template <typename Ask>
void Session::begin(const std::string& id, DecodeSettings decode,
                    std::shared_ptr<const ServedModel> model, const Ask& ask) {
  running_ = Running{.job = ++last_job_,
                     .id = id,
                     .decode = std::move(decode),
                     .persona = persona_,
                     .number = std::nullopt,
                     .model = std::move(model)};
  try {
    ask(*running_);
  } catch (...) {
    abandon();
    throw;
  }
}

/// The turn that runs was never accepted.
void Session::abandon() {
  running_.reset();
  hub_.turn_left();
}

void Session::on(const Message& message) {
  const auto model = hub_.model();
  const auto& [defaults, limits] = model->decode;
  auto decode = message.decode ? overlaid(decode_, *message.decode, defaults, limits) : decode_;
  check_prefix(decode, *model);
  if (std::ssize(model->tokenizer->encode(message.text)) > model->limits.max_turn_tokens)
    throw RequestError(ErrorCode::kTooLong,
                       "text is longer than the model's " +
                           std::to_string(model->limits.max_turn_tokens) + " tokens",
                       "text");
  if (!may_begin(message.id)) return;
  begin(message.id, std::move(decode), model, [&](const Running& running) {
    const auto seed = running.decode.seed.value_or(random_seed());
    hub_.archive().add_message({.session = id_,
                                .client_id = message.id,
                                .text = message.text,
                                .seed = static_cast<std::uint64_t>(seed),
                                .decode = decode_text(running.decode),
                                .persona = persona_text(running.persona)},
                               [self = shared_from_this(), job = running.job](const auto& result) {
                                 self->stored_message(job, result);
                               });
  });
}

void Session::stored_message(std::int64_t job, const WriteResult<MessageRows>& result) {
  const std::lock_guard lock(mutex_);
  if (!running_ || running_->job != job) return;
  const auto& [user, reply] = result.value;
  const auto model = running_->model;
  if (!was_stored(result.status, result.error, running_->id)) return abandon();
  if (result.status == WriteStatus::kKnown && !reply.is_owed())
    return tell_known(reply, running_->id);
  if (user.dialogue == dialogue_) note_said(*model, user.turn, kUserSpeaker, user.text);
  generate(reply);
}

void Session::on(const Regenerate& regenerate) {
  const auto model = hub_.model();
  const auto& [defaults, limits] = model->decode;
  auto decode = decode_;
  decode.seed.reset();  // the next one, unless this frame names one: else nothing would be new
  if (regenerate.decode) decode = overlaid(decode, *regenerate.decode, defaults, limits);
  check_prefix(decode, *model);
  const auto first = said_.empty() ? 0 : said_.front().turn;
  if (first > 0 && regenerate.turn - model->limits.max_context_turns < first)
    throw RequestError(ErrorCode::kNotFound, "turn is too long ago", "turn");
  if (!may_begin(regenerate.id)) return;
  begin(regenerate.id, std::move(decode), model, [&](const Running& running) {
    NewVersion version{.session = id_, .turn = regenerate.turn, .client_id = regenerate.id};
    if (running.decode.seed) version.seed = static_cast<std::uint64_t>(*running.decode.seed);
    version.decode = decode_text(running.decode);
    version.persona = persona_text(running.persona);
    hub_.archive().add_version(std::move(version),
                               [self = shared_from_this(), job = running.job](const auto& result) {
                                 self->stored_version(job, result);
                               });
  });
}

void Session::stored_version(std::int64_t job, const WriteResult<TurnRow>& result) {
  const std::lock_guard lock(mutex_);
  if (!running_ || running_->job != job) return;
  if (result.status == WriteStatus::kMissing) {
    RequestError missing(ErrorCode::kNotFound, "turn is no reply of this dialogue", "turn");
    missing.id = running_->id;
    tell(ErrorFrame::of(missing));
    return abandon();
  }
  if (!was_stored(result.status, result.error, running_->id)) return abandon();
  if (result.status == WriteStatus::kKnown && !result.value.is_owed())
    return tell_known(result.value, running_->id);
  generate(result.value);
}

/// The stored result of an id that was seen before.
void Session::tell_known(const TurnRow& reply, const std::string& id) {
  auto done = done_of(reply, id);
  tell(Accepted{.id = id, .turn = reply.turn, .seed = done.seed});
  tell(std::move(done));
  abandon();
  make_owed();
}

/// A reply is owed, and the archive has it so: from here on there will be one `done`.
void Session::generate(const TurnRow& reply) {
  auto& running = *running_;
  running.is_accepted = true;
  running.dialogue = reply.dialogue;
  running.turn = reply.turn;
  running.version = reply.version;
  running.seed = static_cast<std::int64_t>(reply.seed);
  tell(Accepted{.id = running.id, .turn = running.turn, .seed = running.seed});
  if (running.is_cancelled) return finish({.finish = Finish::kCancelled});
  TurnTeller::About about{.job = running.job,
                          .turn = running.turn,
                          .turns = {},
                          .with_weights = is_attention_live_,
                          .n = running.decode.n};
  for (const auto& said : said_)
    if (running.dialogue == dialogue_ && said.turn < running.turn) about.turns.push_back(said.turn);
  running.number = hub_.submit(
      turn_of(running), std::make_shared<TurnTeller>(shared_from_this(), running.model, about));
  // Nothing is taken when the server is ending: then the reply stays owed.
  if (!running.number && !hub_.is_ending()) finish({.finish = Finish::kError});
}

/// What the model gets: the turns before the reply and the persona in effect.
Turn Session::turn_of(const Running& running) const {
  auto turn = asked_turn(*running.model, running.decode, running.seed, running.persona.facts);
  turn.conversation = id_;
  turn.owner = owner_;
  turn.deadline = Clock::now() + hub_.options().chat.turn_deadline;
  if (running.dialogue == dialogue_)
    for (const auto& said : said_)
      if (said.turn < running.turn) turn.context.turns.push_back(said.row);
  return turn;
}

void Session::on(const Cancel& cancel) {
  if (!running_ || (cancel.id && *cancel.id != running_->id)) return;
  running_->is_cancelled = true;
  if (running_->number) hub_.cancel(*running_->number);
}

void Session::told_delta(std::int64_t job, std::string text,
                         std::optional<std::vector<TokenWeights>> tokens) {
  const std::lock_guard lock(mutex_);
  if (!running_ || running_->job != job) return;
  Delta delta = held_ ? *std::exchange(held_, std::nullopt)
                      : Delta{.id = running_->id, .turn = running_->turn};
  delta.text += text;
  if (tokens && !delta.tokens) delta.tokens.emplace();
  if (tokens) std::ranges::move(*tokens, std::back_inserter(*delta.tokens));
  if (peer_ && peer_->is_behind()) {
    held_ = std::move(delta);
  } else {
    tell_now(std::move(delta));
  }
}

void Session::told_progress(std::int64_t job, std::int64_t tokens) {
  const std::lock_guard lock(mutex_);
  if (!running_ || running_->job != job) return;
  tell(Progress{.id = running_->id, .turn = running_->turn, .tokens = tokens});
}

void Session::made(std::int64_t job, MadeReply reply) {
  const std::lock_guard lock(mutex_);
  if (!running_ || running_->job != job) return;
  // A server that ends owes the reply; the next one makes it.
  if (hub_.is_ending() && reply.finish == Finish::kCancelled && !running_->is_cancelled) return;
  finish(std::move(reply));
}

/// Stores the reply that was owed; `done` follows.
void Session::finish(MadeReply reply) {
  const auto& running = *running_;
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  FinishedReply row{.session = id_,
                    .dialogue = running.dialogue,
                    .turn = running.turn,
                    .version = running.version,
                    .text = reply.text,
                    .finish = std::string(name_of(reply.finish)),
                    .attention = reply.attention ? attention_text(*reply.attention) : "",
                    .consistency = reply.consistency ? consistency_text(*reply.consistency) : "",
                    .revision = reply.revision,
                    .ms_queue = duration_cast<milliseconds>(reply.times.queue).count(),
                    .ms_total = duration_cast<milliseconds>(reply.times.total).count()};
  hub_.archive().finish_reply(
      std::move(row), [self = shared_from_this(), job = running.job, reply = std::move(reply)](
                          const auto& result) { self->stored_reply(job, reply, result); });
}

void Session::stored_reply(std::int64_t job, const MadeReply& reply,
                           const WriteResult<TurnRow>& result) {
  const std::lock_guard lock(mutex_);
  if (!running_ || running_->job != job) return;
  const bool is_stored = was_stored(result.status, result.error, running_->id);
  const auto running = *std::exchange(running_, std::nullopt);
  const auto finish = is_stored ? reply.finish : Finish::kError;
  if (running.dialogue == dialogue_)
    note_said(*running.model, running.turn, kReplySpeaker, reply.text);
  if (reply.attention && attention_ != AttentionLevel::kNone)
    tell(Attention{.turn = running.turn, .weights = *reply.attention});
  tell(Done{.id = running.id,
            .turn = running.turn,
            .finish = finish,
            .text = reply.text,
            .score = reply.score,
            .others = reply.others,
            .consistency = reply.consistency,
            .usage = {.prompt = reply.tokens.prompt,
                      .completion = reply.tokens.completion,
                      .cached = reply.tokens.cached},
            .ms = reply.times,
            .seed = running.seed,
            .truncated_turns = reply.truncated_turns});
  hub_.turn_ended(finish, reply.tokens, reply.times);  // last: a drain waits for what was told
  make_owed();
}

/// Makes the next reply that was promised before this process began.
void Session::make_owed() {
  if (running_ || owed_.empty() || hub_.is_draining()) return;
  const auto model = hub_.model();
  const auto reply = std::move(owed_.front());
  owed_.pop_front();
  const auto id = reply.client_id.empty() ? "turn-" + std::to_string(reply.turn) : reply.client_id;
  running_ = Running{.job = ++last_job_,
                     .id = id,
                     .decode = stored_settings(reply.decode, model->decode),
                     .persona = stored_persona(reply.persona),
                     .number = std::nullopt,
                     .model = model};
  hub_.begin_owed_turn();
  generate(reply);
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

/// Whether the archive may be read once more now; else the client is told.
bool Session::may_read() {
  const auto wait = reads_.take(Clock::now());
  if (wait)
    tell_error(ErrorCode::kRateLimited, "too many requests of history and export in a minute", {},
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

void Session::note_failed_read(const std::exception& error) {
  hub_.log("archive", error.what());
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
