#include "serve/client/load.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <exception>
#include <memory>
#include <utility>
#include <variant>

#include <boost/asio/co_spawn.hpp>

#include "base/errors.h"
#include "base/signals.h"
#include "serve/client/decode_argument.h"
#include "serve/client/permits.h"
#include "serve/client/server_frame_reader.h"
#include "serve/protocol/client_frame.h"

namespace banter::serve {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::int64_t kOpenedAtOnce = 64;  ///< handshakes under way, but for a storm
constexpr int kMostFailures = 5;            ///< one after another, until a user gives up
constexpr milliseconds kPause{100};         ///< behind a failure without a time of its own
constexpr milliseconds kLookForSignals{200};
constexpr int kDeafBytes = 4096;        ///< that the kernel takes for who does not read
constexpr milliseconds kDeafPause{25};  ///< between two messages of who does not read
constexpr std::uint16_t kNormalClose = 1000, kSlowReaderClose = 1013, kCut = 1006;

Clock::duration duration_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// One connection, with what its session allows.
struct Caller {
  std::shared_ptr<ClientSocket> socket{};
  DecodeLimits limits{};
  std::int64_t turns = 0;  ///< of its session
};

std::size_t depth_of(std::int64_t turn) {
  std::size_t depth = 0;
  while (turn > kDepths.at(depth).last) ++depth;
  return depth;
}

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options),
        strand_(net::make_strand(context_)),
        opening_(strand_, kOpenedAtOnce),
        gate_(strand_, 0),
        connected_(strand_, 0),
        work_(strand_, 0),
        done_(strand_, 0),
        idle_done_(strand_, 0),
        watch_(strand_) {}

  LoadResult run();

 private:
  Task<void> conduct();
  Task<void> watch();
  Task<void> storm();
  Task<void> plan_turns();
  Task<void> handshake(Clock::time_point start);
  Task<void> idle();
  Task<void> user();
  Task<void> chat(Caller* caller);
  Task<void> echo(Caller* caller);
  Task<void> deaf();
  Task<bool> connect(Caller* caller, int receive_bytes = 0);
  Task<bool> greet(Caller* caller);
  Task<bool> turn(Caller* caller, Clock::time_point start);
  Task<void> hang_up(std::shared_ptr<ClientSocket> socket);
  Task<void> pause(Clock::duration time);

  void spawn(Task<void> task, Permits* ended);
  void count(Samples* samples, Clock::time_point start, Clock::time_point now);
  void count_end(const Received& end) { ++result_.closes[end.close_code]; }
  void begin();
  [[nodiscard]] bool is_time_up() const { return Clock::now() >= end_; }
  [[nodiscard]] bool greets() const { return !options_.socket.subprotocol.empty(); }
  [[nodiscard]] std::int64_t planned() const;
  [[nodiscard]] const std::string& next_text() {
    return options_.texts[next_text_++ % options_.texts.size()];
  }

  const LoadOptions& options_;
  net::io_context context_{1};
  const Strand strand_;
  LoadResult result_;
  Permits opening_;    ///< handshakes under way
  Permits gate_;       ///< one for each user, when all are connected
  Permits connected_;  ///< one for each connection that is open or was given up
  Permits work_;       ///< with a rate: one for each turn that waits in `intended_`
  Permits done_;       ///< one for each user, storm and handshake that has ended
  Permits idle_done_;  ///< one for each idle connection that has ended
  std::deque<Clock::time_point> intended_;
  std::vector<std::shared_ptr<ClientSocket>> idle_;
  Timer watch_;
  std::int64_t spawned_ = 0;
  std::uint64_t next_text_ = 0, next_id_ = 0;
  Clock::time_point begin_ = Clock::time_point::max(), end_ = Clock::time_point::max();
  Clock::time_point last_ = Clock::time_point::min();  ///< that something was done at
  bool is_ending_ = false;                             ///< idle connections are being closed
  bool is_finished_ = false;                           ///< nothing is left to wait for
  std::exception_ptr failure_;
};

void Load::spawn(Task<void> task, Permits* ended) {
  if (ended == &done_) ++spawned_;
  net::co_spawn(strand_, std::move(task), [this, ended](const std::exception_ptr& failure) {
    if (failure && !failure_) failure_ = failure;
    if (failure) context_.stop();
    ended->give();
  });
}

void Load::count(Samples* samples, Clock::time_point start, Clock::time_point now) {
  samples->add(now - start);
  last_ = now;
}

/// How many turns or handshakes a rate asks for.
std::int64_t Load::planned() const {
  if (options_.seconds > 0) return std::llround(options_.rate * options_.seconds);
  return options_.users * options_.turns;
}

Task<void> Load::pause(Clock::duration time) {
  Timer timer(strand_, time);
  (void)co_await timer.async_wait(kNoThrow);
}

// ---- one connection ---------------------------------------------------------------------------

/// Opens it and, where chat.v1 is spoken, waits for `ready`. Whether that went well.
Task<bool> Load::connect(Caller* caller, int receive_bytes) {
  co_await opening_.take();
  auto socket = options_.socket;
  socket.receive_bytes = receive_bytes;
  caller->socket = ClientSocket::make(strand_, socket);
  caller->turns = 0;
  const auto start = Clock::now();
  const auto failure = co_await caller->socket->open(options_.endpoints);
  opening_.give();
  if (failure) {
    ++result_.failures[failure->why];
    co_return false;
  }
  result_.handshake.add(Clock::now() - start);
  if (!greets()) co_return true;
  co_return co_await greet(caller);
}

Task<bool> Load::greet(Caller* caller) {
  const auto start = Clock::now();
  caller->socket->send(
      client_frame_text(Hello{.token = options_.socket.token, .client = "banter bench-serve"}));
  for (;;) {
    const auto received = co_await caller->socket->receive();
    if (!received.text) {
      count_end(received);
      co_return false;
    }
    const auto frame = read_server_frame(*received.text).frame;
    if (!frame) continue;
    if (const auto* error = std::get_if<ErrorFrame>(&*frame))
      ++result_.errors[std::string(name_of(error->code))];
    if (const auto* ready = std::get_if<Ready>(&*frame)) {
      caller->limits = ready->decode.limits;
      result_.ready.add(Clock::now() - start);
      co_return true;
    }
  }
}

/// Closes in order and reads to the end.
Task<void> Load::hang_up(std::shared_ptr<ClientSocket> socket) {
  socket->close(kNormalClose);
  for (;;) {
    const auto received = co_await socket->receive();
    if (received.text) continue;
    count_end(received);
    co_return;
  }
}

// ---- those that talk --------------------------------------------------------------------------

Task<void> Load::user() {
  Caller caller;
  bool is_open = false;
  for (int tries = 0; !is_open && tries < kMostFailures; ++tries) {
    if (tries > 0) co_await pause(kPause);
    is_open = co_await connect(&caller);
  }
  connected_.give();
  if (!is_open) co_return;
  co_await gate_.take();
  if (greets()) {
    co_await chat(&caller);
  } else {
    co_await echo(&caller);
  }
}

/// Turns until there are enough of them. A connection that the server ends is opened again.
Task<void> Load::chat(Caller* caller) {
  bool is_open = true;
  int failures = 0;
  for (std::int64_t said = 0; options_.turns == 0 || said < options_.turns; ++said) {
    auto start = Clock::now();
    if (options_.rate > 0) {
      co_await work_.take();
      if (intended_.empty()) break;  // no more of them
      start = intended_.front();
      intended_.pop_front();
    } else if (is_time_up()) {
      break;
    }
    while (!is_open && failures < kMostFailures && !is_time_up()) {
      is_open = co_await connect(caller);
      failures = is_open ? 0 : failures + 1;
      if (!is_open) co_await pause(kPause);
    }
    if (!is_open) break;
    is_open = co_await turn(caller, start);
  }
  if (is_open) co_await hang_up(caller->socket);
}

/// A message and what comes of it. False when the connection has ended.
Task<bool> Load::turn(Caller* caller, Clock::time_point start) {
  Message message{.id = "b-" + std::to_string(++next_id_), .text = next_text()};
  if (!options_.settings.empty()) {
    message.decode.emplace();
    for (const auto& setting : options_.settings)
      add_decode_argument(*message.decode, setting, caller->limits);
  }
  caller->socket->send(client_frame_text(message));
  bool has_text = false;
  for (;;) {
    const auto received = co_await caller->socket->receive();
    const auto now = Clock::now();
    if (!received.text) {
      count_end(received);
      co_return false;
    }
    const auto frame = read_server_frame(*received.text, caller->limits).frame;
    if (!frame) continue;
    if (std::holds_alternative<Accepted>(*frame)) result_.accepted.add(now - start);
    if (std::holds_alternative<Delta>(*frame) && !std::exchange(has_text, true))
      result_.first.add(now - start);
    if (const auto* error = std::get_if<ErrorFrame>(&*frame)) {
      ++result_.errors[std::string(name_of(error->code))];
      result_.refused.add(now - start);
      if (error->fatal) continue;  // the end comes next
      co_await pause(error->retry_after.value_or(kPause));
      co_return true;
    }
    const auto* done = std::get_if<Done>(&*frame);
    if (done == nullptr || done->id != message.id) continue;
    count(&result_.whole, start, now);
    result_.whole_at.at(depth_of(++caller->turns)).add(now - start);
    ++result_.turns;
    ++result_.finishes[std::string(name_of(done->finish))];
    result_.tokens += done->usage.completion;
    co_return true;
  }
}

Task<void> Load::echo(Caller* caller) {
  const std::string message(options_.message_bytes, 'x');
  for (std::int64_t sent = 0; options_.turns == 0 || sent < options_.turns; ++sent) {
    if (is_time_up()) break;
    const auto start = Clock::now();
    caller->socket->send(message);
    const auto received = co_await caller->socket->receive();
    if (!received.text) {
      count_end(received);
      co_return;
    }
    if (*received.text != message) {
      ++result_.errors["bad_echo"];
    } else {
      count(&result_.whole, start, Clock::now());
      ++result_.turns;
    }
  }
  co_await hang_up(caller->socket);
}

/// Asks and asks, and reads nothing until the time is up.
Task<void> Load::deaf() {
  Caller caller;
  const bool is_open = co_await connect(&caller, kDeafBytes);
  connected_.give();
  if (!is_open) co_return;
  co_await gate_.take();
  while (!is_time_up()) {
    caller.socket->send(
        client_frame_text(Message{.id = "b-" + std::to_string(++next_id_), .text = next_text()}));
    co_await pause(kDeafPause);
  }
  // Who is answered once more was not closed; all else that waited comes before.
  caller.socket->send(client_frame_text(Ping{}));
  for (;;) {
    const auto received = co_await caller.socket->receive();
    if (!received.text) {
      count_end(received);
      if (received.close_code == kSlowReaderClose || received.close_code == kCut)
        ++result_.deaf_closed;
      co_return;
    }
    const auto frame = read_server_frame(*received.text, caller.limits).frame;
    if (frame && std::holds_alternative<Pong>(*frame)) co_return co_await hang_up(caller.socket);
  }
}

/// Opened, then held until the end.
Task<void> Load::idle() {
  Caller caller;
  const bool is_open = co_await connect(&caller);
  if (is_open) idle_.push_back(caller.socket);
  connected_.give();
  if (!is_open) co_return;
  for (;;) {
    const auto received = co_await caller.socket->receive();
    if (received.text) continue;
    count_end(received);
    if (!is_ending_) ++result_.idle_lost;
    co_return;
  }
}

Task<void> Load::handshake(Clock::time_point start) {
  Caller caller{.socket = ClientSocket::make(strand_, options_.socket)};
  const auto failure = co_await caller.socket->open(options_.endpoints);
  if (failure) {
    ++result_.failures[failure->why];
    co_return;
  }
  count(&result_.handshake, start, Clock::now());
  co_await hang_up(caller.socket);
}

// ---- the whole --------------------------------------------------------------------------------

/// Handshakes at their times, however the ones before them went.
Task<void> Load::storm() {
  Timer timer(strand_);
  for (std::int64_t i = 0; i < planned(); ++i) {
    const auto start = begin_ + duration_of(static_cast<double>(i) / options_.rate);
    timer.expires_at(start);
    (void)co_await timer.async_wait(kNoThrow);
    spawn(handshake(start), &done_);
  }
}

/// Turns at their times, whether somebody is free or not.
Task<void> Load::plan_turns() {
  Timer timer(strand_);
  for (std::int64_t i = 0; i < planned(); ++i) {
    const auto start = begin_ + duration_of(static_cast<double>(i) / options_.rate);
    timer.expires_at(start);
    (void)co_await timer.async_wait(kNoThrow);
    intended_.push_back(start);
    work_.give();
  }
  if (options_.seconds > 0) {
    timer.expires_at(end_);
    (void)co_await timer.async_wait(kNoThrow);
    result_.unstarted = static_cast<std::int64_t>(intended_.size());
    intended_.clear();
  }
  work_.give(options_.users);  // each finds that there is none
}

void Load::begin() {
  begin_ = Clock::now();
  if (options_.seconds > 0) end_ = begin_ + duration_of(options_.seconds);
  gate_.give(options_.users + options_.deaf);
}

Task<void> Load::conduct() {
  const bool has_users = options_.kind == LoadKind::kTurns || options_.kind == LoadKind::kEcho;
  const auto users = has_users ? options_.users : 0;
  if (options_.pid) result_.server_bytes_before = use_of(*options_.pid).resident_bytes;
  for (std::int64_t i = 0; i < options_.idle; ++i) spawn(idle(), &idle_done_);
  for (std::int64_t i = 0; i < users; ++i) spawn(user(), &done_);
  for (std::int64_t i = 0; i < options_.deaf; ++i) spawn(deaf(), &done_);
  for (std::int64_t i = 0; i < options_.idle + users + options_.deaf; ++i)
    co_await connected_.take();

  const auto own_before = own_use();
  const auto server_before = options_.pid ? use_of(*options_.pid) : ProcessUse{};
  begin();
  if (options_.kind == LoadKind::kStorm) spawn(storm(), &done_);
  if (options_.kind == LoadKind::kTurns && options_.rate > 0) spawn(plan_turns(), &done_);
  if (options_.kind == LoadKind::kIdle) co_await pause(end_ - Clock::now());
  for (std::int64_t ended = 0; ended < spawned_; ++ended) co_await done_.take();
  const auto last = options_.kind == LoadKind::kIdle ? Clock::now() : std::max(last_, begin_);
  result_.seconds = std::chrono::duration<double>(last - begin_).count();
  result_.client_cpu_seconds = own_use().cpu_seconds - own_before.cpu_seconds;
  if (options_.pid) {
    const auto after = use_of(*options_.pid);
    result_.server_cpu_seconds = after.cpu_seconds - server_before.cpu_seconds;
    result_.server_bytes = after.resident_bytes;
  }
  is_ending_ = true;
  result_.idle_open = static_cast<std::int64_t>(idle_.size()) - result_.idle_lost;
  for (const auto& socket : idle_) socket->close(kNormalClose);
  for (std::int64_t i = 0; i < options_.idle; ++i) co_await idle_done_.take();
  is_finished_ = true;
  watch_.cancel();
}

/// Looks for signals: everything else waits for sockets.
Task<void> Load::watch() {
  while (!is_finished_) {
    watch_.expires_after(kLookForSignals);
    (void)co_await watch_.async_wait(kNoThrow);
    if (base::stop_signal() != 0) context_.stop();
  }
}

LoadResult Load::run() {
  const auto told = [this](const std::exception_ptr& failure) {
    if (!failure) return;
    failure_ = failure;
    context_.stop();
  };
  net::co_spawn(strand_, conduct(), told);
  net::co_spawn(strand_, watch(), told);
  context_.run();
  base::throw_if_stopped();
  if (failure_) std::rethrow_exception(failure_);
  return std::move(result_);
}

}  // namespace

LoadResult run_load(const LoadOptions& options) { return Load(options).run(); }

}  // namespace banter::serve
