#include "serve/sessions/hub.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/hash.h"
#include "serve/sessions/secrets.h"
#include "serve/sessions/session.h"

namespace banter::serve {
namespace {

constexpr std::size_t kIdBytes = 12, kTokenBytes = 24;
constexpr std::chrono::minutes kMinute{1};
constexpr std::int64_t kDenialsPerMinute = 30;  // of one owner's resumes of a session

Refusal refusal(ErrorCode code, const std::string& message, CloseCode close,
                std::optional<std::chrono::milliseconds> retry_after = {}) {
  return {.error = {.code = code, .message = message, .retry_after = retry_after, .fatal = true},
          .close = close};
}

Refusal no_model() {
  return refusal(ErrorCode::kModelUnavailable, "the model is being loaded", CloseCode::kTryLater,
                 std::chrono::seconds(1));
}

/// What a write that gives no session means for who asked.
Refusal refusal_of(WriteStatus status) {
  switch (status) {
    case WriteStatus::kDenied:
      return refusal(ErrorCode::kUnauthorized, "the resume token is not valid",
                     CloseCode::kUnauthorized);
    case WriteStatus::kHeld:
      return refusal(ErrorCode::kOverloaded, "another server goes on with this session",
                     CloseCode::kTryLater, std::chrono::seconds(30));
    case WriteStatus::kMissing:
      return refusal(ErrorCode::kSessionExpired, "there is no such session", CloseCode::kExpired);
    default:
      return refusal(ErrorCode::kStorage, "the archive cannot be written", CloseCode::kTryLater,
                     std::chrono::seconds(1));
  }
}

}  // namespace

Hub::Hub(HubOptions options, Archive& archive) : options_(std::move(options)), archive_(archive) {}

Hub::~Hub() { end(); }

void Hub::end() {
  is_ending_ = true;
  if (const auto working = engine()) working->end();
}

// ---- the model --------------------------------------------------------------------------------

void Hub::set_model(std::shared_ptr<const ServedModel> model) {
  ++loads_;
  const std::lock_guard lock(mutex_);
  if (engine_) {
    engine_->swap(model->rows);
  } else if (!is_ending_) {
    auto limits = options_.engine;
    limits.max_waiting = std::numeric_limits<std::int64_t>::max();  // places are given here
    engine_ = std::make_shared<Engine>(model->rows, limits);
  }
  model_ = std::move(model);
}

std::shared_ptr<const ServedModel> Hub::model() const {
  const std::lock_guard lock(mutex_);
  return model_;
}

std::shared_ptr<Engine> Hub::engine() const {
  const std::lock_guard lock(mutex_);
  return engine_;
}

FrameLimits Hub::frame_limits() const {
  auto limits = options_.frames;
  if (const auto served = model()) limits.decode = served->decode.limits;
  return limits;
}

EngineState Hub::engine_state() const {
  const auto working = engine();
  return working ? working->state() : EngineState{};
}

// ---- turns ------------------------------------------------------------------------------------

std::optional<ErrorFrame> Hub::begin_turn(const std::string& owner) {
  if (is_draining_)
    return ErrorFrame{.code = ErrorCode::kOverloaded,
                      .message = "the server is about to stop",
                      .retry_after = std::chrono::seconds(5)};
  const auto working = engine();
  if (!working)
    return ErrorFrame{.code = ErrorCode::kModelUnavailable,
                      .message = "the model is being loaded",
                      .retry_after = std::chrono::seconds(1)};
  using std::chrono::milliseconds;
  const std::lock_guard lock(mutex_);
  if (running_turns_ >= options_.engine.max_waiting) {
    const auto wait = std::chrono::ceil<milliseconds>(working->expected_wait());
    return ErrorFrame{.code = ErrorCode::kOverloaded,
                      .message = "too many turns wait",
                      .retry_after = std::max(wait, milliseconds(100))};
  }
  const auto [found, is_new] =
      turns_of_.try_emplace(owner, options_.chat.owner_turns_per_minute, kMinute);
  if (const auto wait = found->second.take(Clock::now()))
    return ErrorFrame{.code = ErrorCode::kRateLimited,
                      .message = "too many turns in a minute",
                      .retry_after = std::chrono::ceil<milliseconds>(*wait)};
  ++running_turns_;
  return {};
}

void Hub::begin_owed_turn() { ++running_turns_; }

std::optional<std::uint64_t> Hub::submit(Turn turn, std::shared_ptr<TurnListener> listener) {
  const auto working = engine();
  if (!working || is_ending_) return {};
  return working->submit(std::move(turn), std::move(listener));
}

void Hub::cancel(std::uint64_t turn) {
  if (const auto working = engine()) working->cancel(turn);
}

void Hub::forget(const std::string& conversation) {
  if (const auto working = engine()) working->forget(conversation);
}

void Hub::turn_ended(Finish finish, const TurnTokens& tokens, const Times& times) {
  --running_turns_;
  const std::lock_guard lock(mutex_);
  ++counts_.ended[finish];
  counts_.prompt_tokens += static_cast<std::uint64_t>(tokens.prompt);
  counts_.cached_tokens += static_cast<std::uint64_t>(tokens.cached);
  counts_.completion_tokens += static_cast<std::uint64_t>(tokens.completion);
  counts_.queue.add(times.queue);
  if (times.first) counts_.first.add(*times.first);
  counts_.total.add(times.total);
}

TurnCounts Hub::turn_counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

// ---- sessions ---------------------------------------------------------------------------------

std::shared_ptr<Session> Hub::find(const std::string& session) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second;
}

std::int64_t Hub::sessions() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(sessions_.size());
}

void Hub::remove(const std::string& session) {
  forget(session);
  std::shared_ptr<Session> removed;  // ends outside the lock
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  removed = std::move(found->second);
  sessions_.erase(found);
  leave_owner(removed->owner());
}

/// One session of an owner less. Under the lock.
void Hub::leave_owner(const std::string& owner) {
  const auto found = sessions_of_.find(owner);
  if (found != sessions_of_.end() && --found->second <= 0) sessions_of_.erase(found);
}

void Hub::open(const Visitor& visitor, const OnEntry& on_entry) {
  const auto served = model();
  if (!served) return on_entry(no_model());
  bool is_room = false;
  {
    const std::lock_guard lock(mutex_);
    auto& own = sessions_of_[visitor.owner];
    is_room = own < options_.chat.sessions_per_owner;
    if (is_room) ++own;
  }
  if (!is_room)
    return on_entry(refusal(ErrorCode::kRateLimited, "too many sessions of one owner",
                            CloseCode::kRateLimited, kMinute));
  const Arrival arrival{.resume_token = random_hex(kTokenBytes)};
  NewSession session{.id = "s-" + random_hex(kIdBytes),
                     .user = visitor.user,
                     .resume_hash = base::sha256_hex(arrival.resume_token),
                     .persona = persona_text({}),
                     .decode = decode_text(served->decode.defaults)};
  archive_.create_session(std::move(session), [this, visitor, arrival,
                                               on_entry](const WriteResult<SessionRow>& result) {
    if (result.status == WriteStatus::kDone)
      return entered(result.value, visitor, arrival, on_entry);
    {
      const std::lock_guard lock(mutex_);
      leave_owner(visitor.owner);
    }
    on_entry(refusal_of(WriteStatus::kFailed));
  });
}

/// How long an owner who guessed too often waits before the next guess at that session is looked
/// at. Others at the same address go on with theirs.
std::optional<Clock::duration> Hub::denial_pause(const std::string& owner,
                                                 const std::string& session) const {
  const std::lock_guard lock(mutex_);
  const auto found = denials_of_.find(owner + " " + session);
  return found == denials_of_.end() ? std::nullopt : found->second.pause(Clock::now());
}

void Hub::note_denial(const std::string& owner, const std::string& session) {
  const std::lock_guard lock(mutex_);
  denials_of_.try_emplace(owner + " " + session, kDenialsPerMinute, kMinute)
      .first->second.take(Clock::now());
}

void Hub::resume(const Visitor& visitor, const Resume& resume, const OnEntry& on_entry) {
  if (!model()) return on_entry(no_model());
  if (const auto pause = denial_pause(visitor.owner, resume.session))
    return on_entry(refusal(ErrorCode::kRateLimited, "too many resumes that were denied",
                            CloseCode::kRateLimited,
                            std::chrono::ceil<std::chrono::milliseconds>(*pause)));
  const bool is_here = find(resume.session) != nullptr;
  const auto token = random_hex(kTokenBytes);
  ResumeClaim claim{.session = resume.session,
                    .presented_hash = base::sha256_hex(resume.resume_token),
                    .next_hash = base::sha256_hex(token),
                    .begins_life = !is_here,
                    .user = visitor.user};
  archive_.resume_session(std::move(claim), [this, visitor, resume, token, is_here,
                                             on_entry](const WriteResult<SessionRow>& result) {
    if (result.status == WriteStatus::kDenied) note_denial(visitor.owner, resume.session);
    if (result.status != WriteStatus::kDone) return on_entry(refusal_of(result.status));
    const auto& row = result.value;
    if (is_here && !find(row.id))  // it left its memory meanwhile: the next try begins its life
      return on_entry(refusal(ErrorCode::kOverloaded, "the session is being put away",
                              CloseCode::kTryLater, std::chrono::milliseconds(100)));
    Arrival arrival{.resume_token = token, .is_resumed = true, .number = ++resumes_};
    if (row.epoch == resume.epoch) arrival.last_seq = resume.last_seq;
    // Reading it anew waits for the disk, which the archive's thread must not.
    options_.run_later(
        [this, row, visitor, arrival, on_entry] { entered(row, visitor, arrival, on_entry); });
  });
}

/// A session of its row, read from the archive where it was there before.
std::shared_ptr<Session> Hub::make_session(const SessionRow& row, const std::string& owner,
                                           bool is_resumed) {
  const auto served = model();
  std::vector<TurnRow> turns, owed;
  if (is_resumed) {
    const auto most = served->limits.max_context_turns + Session::kTurnsBehind;
    for (auto& item : archive_.history(row.id, row.dialogue, {}, most).items)
      turns.push_back(std::move(item.turn));
    owed = archive_.owed(row.id);
  }
  return std::make_shared<Session>(*this, row, owner, turns, std::move(owed), *served);
}

/// Gives the session that a row is of, made from the archive where it is not in memory.
void Hub::entered(const SessionRow& row, const Visitor& visitor, const Arrival& arrival,
                  const OnEntry& on_entry) {
  auto session = find(row.id);
  if (!session) {
    try {
      session = make_session(row, visitor.owner, arrival.is_resumed);
    } catch (const std::exception& error) {
      log({LogLevel::kError, "session_failed", error.what(), name_in_log(row.id)});
      if (!arrival.is_resumed) {
        const std::lock_guard lock(mutex_);
        leave_owner(visitor.owner);
      }
      return on_entry(refusal_of(WriteStatus::kFailed));
    }
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = sessions_.try_emplace(row.id, session);
    session = found->second;
    if (is_new && arrival.is_resumed) ++sessions_of_[visitor.owner];
  }
  on_entry(std::pair(session, arrival));
}

void Hub::sweep(Clock::time_point now) {
  std::vector<std::shared_ptr<Session>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_) all.push_back(session);
    for (auto* limits : {&turns_of_, &denials_of_})
      std::erase_if(*limits, [&](const auto& one) { return one.second.is_idle(now); });
  }
  for (const auto& session : all) {
    if (!session->retire(now - options_.chat.session_rest)) continue;
    remove(session->id());
    archive_.release_session(session->id(), [](auto&&) {});
  }
}

void Hub::drain(std::chrono::milliseconds deadline) {
  is_draining_ = true;
  std::vector<std::shared_ptr<Session>> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_) all.push_back(session);
  }
  for (const auto& session : all) session->drain(deadline);
}

}  // namespace banter::serve
