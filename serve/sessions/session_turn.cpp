// A session's turns: asked for, stored, made, stored again, told.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "models/decoding/search_input.h"
#include "serve/protocol/request_error.h"
#include "serve/sessions/asked_turn.h"
#include "serve/sessions/secrets.h"
#include "serve/sessions/session.h"
#include "serve/sessions/stored_frames.h"
#include "serve/sessions/turn_teller.h"

namespace banter::serve {
namespace {

constexpr std::size_t kAskedKept = 128;

/// Throws   RequestError when a reply cannot begin with the prefix
void check_prefix(const DecodeSettings& decode, const ServedModel& model) {
  const auto& tokenizer = *model.tokenizer;
  const auto fault = models::fault_of_prefix(tokenizer.begin_reply(decode.prefix),
                                             search_options(decode, 0), tokenizer.special());
  if (!fault.empty()) refuse_field("decode.prefix", "shorter than max_new_tokens");
}

}  // namespace

/// Whether a turn may begin now, which then has its place; else the client is told.
bool Session::may_begin(const std::string& id) {
  if (running_) {
    if (running_->id != id) tell_error(ErrorCode::kBusy, "a turn of this session runs already", id);
    return false;
  }
  if (std::ranges::find(asked_, id) != asked_.end()) {  // its result is there, or owed
    if (!may_read(id)) return false;
    hub_.begin_owed_turn();
    return true;
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

/// A turn with that id is in the archive.
void Session::note_asked(const std::string& id) {
  if (id.empty() || std::ranges::find(asked_, id) != asked_.end()) return;
  asked_.push_back(id);
  if (asked_.size() > kAskedKept) asked_.pop_front();
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
  note_asked(running_.value().id);
  if (result.status == WriteStatus::kKnown && !reply.is_owed())
    return tell_known(reply, running_.value().id);
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
  note_asked(running_.value().id);
  if (result.status == WriteStatus::kKnown && !result.value.is_owed())
    return tell_known(result.value, running_.value().id);
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
  auto& running = running_.value();
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
  turn.decoding.with_token_attention = attention_ == AttentionLevel::kTokens;
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

void Session::told_delta(std::int64_t job, const std::string& text,
                         std::optional<std::vector<TokenWeights>> tokens) {
  const std::lock_guard lock(mutex_);
  if (!running_ || running_->job != job) return;
  auto delta = std::exchange(held_, std::nullopt)
                   .value_or(Delta{.id = running_->id, .turn = running_->turn});
  delta.text += text;
  if (tokens && delta.tokens) {
    std::ranges::move(*tokens, std::back_inserter(*delta.tokens));
  } else if (tokens) {
    delta.tokens = std::move(tokens);
  }
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
  const auto& running = running_.value();
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
  const auto running = std::exchange(running_, std::nullopt).value();
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

}  // namespace banter::serve
