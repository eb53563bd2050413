#include "serve/engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "serve/engine/fair_queue.h"

namespace banter::serve {
namespace {

/// A turn from its admission to its end.
struct Job {
  std::uint64_t number = 0;
  Turn turn;
  std::shared_ptr<TurnListener> listener;
  Clock::time_point accepted;
};

struct Running {
  Job job;
  std::shared_ptr<RowModel> model;
  std::int64_t rows = 1;
  std::int64_t tokens = 0;  ///< of the reply so far
  TurnTokens read;
  Clock::time_point started;
  std::optional<Clock::time_point> first;  ///< when its first token was there
  Clock::time_point last;                  ///< when its last one was
};

Finish finish_of(const models::Replies& replies) {
  return !replies.best.empty() && replies.best.front().finish == "length" ? Finish::kLength
                                                                          : Finish::kStop;
}

/// Tokens of the replies, the ends that they chose included; of a turn without one, what it made
/// until then.
std::int64_t tokens_of(const models::Replies& replies, std::int64_t made) {
  if (replies.best.empty()) return made;
  std::int64_t tokens = 0;
  for (const auto& reply : replies.best)
    tokens += std::ssize(reply.ids) + (reply.finish == "eos" ? 1 : 0);
  return tokens;
}

}  // namespace

class Engine::Loop {
 public:
  Loop(std::shared_ptr<RowModel> model, const EngineLimits& limits)
      : limits_(limits), model_(std::move(model)), thread_([this] { run(); }) {}

  ~Loop() { end(); }

  void end() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  std::optional<std::uint64_t> submit(Turn turn, std::shared_ptr<TurnListener> listener) {
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (is_ending_ || std::ssize(inbox_) + state_.waiting >= limits_.max_waiting) return {};
      number = ++last_number_;
      inbox_.push_back({number, std::move(turn), std::move(listener), Clock::now()});
    }
    changed_.notify_one();
    return number;
  }

  void cancel(std::uint64_t number) {
    {
      const std::lock_guard lock(mutex_);
      cancelled_.insert(number);
    }
    changed_.notify_one();
  }

  void forget(std::string conversation) {
    {
      const std::lock_guard lock(mutex_);
      forgotten_.push_back(std::move(conversation));
    }
    changed_.notify_one();
  }

  void swap(std::shared_ptr<RowModel> model) {
    {
      const std::lock_guard lock(mutex_);
      next_model_ = std::move(model);
    }
    changed_.notify_one();
  }

  [[nodiscard]] Clock::duration expected_wait() const {
    const std::lock_guard lock(mutex_);
    const auto ahead = std::ssize(inbox_) + state_.waiting + 1;
    return mean_turn_ * ahead / std::max<std::int64_t>(1, limits_.max_rows);
  }

  [[nodiscard]] EngineState state() const {
    const std::lock_guard lock(mutex_);
    auto state = state_;
    state.waiting += std::ssize(inbox_);
    if (is_busy_) state.silent = Clock::now() - last_round_;
    return state;
  }

 private:
  /// What others asked for since the last round.
  struct Mail {
    std::vector<Job> jobs;
    std::set<std::uint64_t> cancelled;
    std::vector<std::string> forgotten;
    std::shared_ptr<RowModel> model;
    bool is_ending = false;
  };

  void run();
  Mail take_mail(bool may_wait);
  void end_dead(const std::set<std::uint64_t>& cancelled, bool is_ending);
  void admit();
  void start(Job job);
  void step(const std::shared_ptr<RowModel>& model);
  void note_committed(std::uint64_t number, const TurnProgress& progress,
                      std::set<std::uint64_t>& told);
  template <typename Call>
  void guarded(std::uint64_t number, const Call& call);
  void end_lost();
  void drop(std::uint64_t number, RowModel& model);
  bool settle();
  void end_all_of(const std::shared_ptr<RowModel>& model);
  void publish();
  [[nodiscard]] std::int64_t running_rows() const;
  [[nodiscard]] Pick pick(const std::string& owner, const Job& job) const;
  [[nodiscard]] Durations durations_of(const Running& running) const;
  void end(const Running& running, TurnEnd last);
  void end(const Job& job, Finish finish);

  const EngineLimits limits_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex: what others ask for, and what they may read.
  std::vector<Job> inbox_;
  std::set<std::uint64_t> cancelled_;
  std::vector<std::string> forgotten_;
  std::shared_ptr<RowModel> next_model_;
  std::uint64_t last_number_ = 0;
  bool is_ending_ = false, is_busy_ = false;
  EngineState state_;
  Clock::duration mean_turn_{};
  Clock::time_point last_round_ = Clock::now();

  // The thread's own.
  std::shared_ptr<RowModel> model_;
  std::set<std::uint64_t> lost_;  ///< turns whose listeners failed
  FairQueue<Job> waiting_;
  std::map<std::uint64_t, Running> running_;
  EngineState counts_;
  Clock::duration turn_time_{};  ///< mean of the last turns
  std::vector<std::pair<std::shared_ptr<TurnListener>, TurnEnd>> ended_;  ///< not told yet

  std::thread thread_;  ///< last: it starts when all else is there
};

void Engine::Loop::run() {
  for (bool did_settle = true;;) {
    auto mail = take_mail(/*may_wait=*/!did_settle);
    if (mail.model) model_ = std::move(mail.model);
    for (const auto& conversation : mail.forgotten) model_->forget(conversation);
    for (auto& job : mail.jobs) {
      const auto owner = job.turn.owner;
      waiting_.push(owner, std::move(job));
    }
    end_dead(mail.cancelled, mail.is_ending);
    if (mail.is_ending) break;
    admit();
    publish();
    std::set<std::shared_ptr<RowModel>> busy;
    for (const auto& [number, running] : running_) busy.insert(running.model);
    for (const auto& model : busy) step(model);
    publish();  // before the model settles: nobody waits for that
    did_settle = running_.empty() && waiting_.size() == 0 && settle();
  }
  publish();
}

/// Waits where nothing is to be done.
Engine::Loop::Mail Engine::Loop::take_mail(bool may_wait) {
  std::unique_lock lock(mutex_);
  if (may_wait && running_.empty() && waiting_.size() == 0) {
    is_busy_ = false;
    changed_.wait(lock, [&] {
      return is_ending_ || !inbox_.empty() || !forgotten_.empty() || next_model_ != nullptr;
    });
  }
  is_busy_ = true;
  last_round_ = Clock::now();
  Mail mail;
  mail.jobs = std::exchange(inbox_, {});
  mail.cancelled = std::exchange(cancelled_, {});
  mail.forgotten = std::exchange(forgotten_, {});
  mail.model = std::exchange(next_model_, nullptr);
  mail.is_ending = is_ending_;
  state_.waiting = std::ssize(mail.jobs) + static_cast<std::int64_t>(waiting_.size());
  return mail;
}

/// Ends what was cancelled and what is too late.
void Engine::Loop::end_dead(const std::set<std::uint64_t>& cancelled, bool is_ending) {
  const auto now = Clock::now();
  const auto is_cancelled = [&](const Job& job) {
    return is_ending || cancelled.contains(job.number);
  };
  const auto is_dead = [&](const Job& job) {
    return is_cancelled(job) || job.turn.deadline <= now;
  };
  const auto finish = [&](const Job& job) {
    return is_cancelled(job) ? Finish::kCancelled : Finish::kTimeout;
  };
  waiting_.take_dead(is_dead, [&](const Job& job) { end(job, finish(job)); });
  for (auto one = running_.begin(); one != running_.end();) {
    const auto& running = one->second;
    if (!is_dead(running.job)) {
      ++one;
      continue;
    }
    drop(one->first, *running.model);
    end(running, {.finish = finish(running.job)});
    one = running_.erase(one);
  }
}

std::int64_t Engine::Loop::running_rows() const {
  std::int64_t rows = 0;
  for (const auto& [number, running] : running_) rows += running.rows;
  return rows;
}

/// A turn waits for its rows, and nothing overtakes it then: many small turns must not keep a large
/// one out. An owner who has half of the rows is passed over while others wait.
Pick Engine::Loop::pick(const std::string& owner, const Job& job) const {
  if (running_.empty()) return Pick::kTake;
  const auto rows = model_->rows_of(job.turn);
  if (waiting_.owners() > 1) {
    std::int64_t own = 0;
    for (const auto& [number, running] : running_)
      if (running.job.turn.owner == owner) own += running.rows;
    if (own > 0 && own + rows > limits_.max_rows / 2) return Pick::kPass;
  }
  return running_rows() + rows > limits_.max_rows ? Pick::kWait : Pick::kTake;
}

void Engine::Loop::admit() {
  const auto begin = Clock::now();
  const auto pick_of = [&](const std::string& owner, const Job& job) { return pick(owner, job); };
  std::int64_t tokens = 0;
  bool has_started = false;
  while (tokens < limits_.prefill_tokens) {
    auto job = waiting_.pop(pick_of);
    if (!job) break;
    has_started = true;
    const auto number = job->number;
    start(*std::move(job));
    if (const auto started = running_.find(number); started != running_.end())
      tokens += started->second.read.prompt - started->second.read.cached;
  }
  if (has_started) counts_.prefill += Clock::now() - begin;
}

void Engine::Loop::start(Job job) {
  const auto number = job.number;
  Running running{.job = std::move(job),
                  .model = model_,
                  .rows = 1,
                  .tokens = 0,
                  .read = {},
                  .started = Clock::now(),
                  .first = {},
                  .last = {}};
  try {
    running.rows = model_->rows_of(running.job.turn);
    running.read = model_->add(number, running.job.turn);
  } catch (const std::exception&) {
    ++counts_.failures;
    end(running, {.finish = Finish::kError});
    return;
  }
  running_.emplace(number, std::move(running));
}

void Engine::Loop::note_committed(std::uint64_t number, const TurnProgress& progress,
                                  std::set<std::uint64_t>& told) {
  const auto running = running_.find(number);
  if (running == running_.end()) return;
  told.insert(number);
  guarded(number, [&] { running->second.job.listener->committed(progress); });
}

/// Calls a listener; where it throws, its turn is lost and no other.
template <typename Call>
void Engine::Loop::guarded(std::uint64_t number, const Call& call) {
  try {
    call();
  } catch (const std::exception&) {
    lost_.insert(number);
  }
}

/// Ends the turns whose listeners failed.
void Engine::Loop::end_lost() {
  for (const auto number : std::exchange(lost_, {})) {
    const auto one = running_.find(number);
    if (one == running_.end()) continue;
    drop(number, *one->second.model);
    ++counts_.failures;
    end(one->second, {.finish = Finish::kError});
    running_.erase(one);
  }
}

/// A row that cannot be dropped is one that a later step ends.
void Engine::Loop::drop(std::uint64_t number, RowModel& model) {
  try {
    model.drop(number);
  } catch (const std::exception&) {
    ++counts_.failures;
  }
}

bool Engine::Loop::settle() {
  try {
    return model_->settle();
  } catch (const std::exception&) {
    ++counts_.failures;
    return false;
  }
}

/// One step of one model's rows.
void Engine::Loop::step(const std::shared_ptr<RowModel>& model) {
  const auto begin = Clock::now();
  std::set<std::uint64_t> told;
  std::vector<EndedRows> done;
  std::int64_t rows = 0;
  for (const auto& [number, running] : running_)
    if (running.model == model) rows += running.rows;
  try {
    done = model->step([&](std::uint64_t number, const TurnProgress& progress) {
      note_committed(number, progress, told);
    });
  } catch (const std::exception&) {
    end_all_of(model);
    return;
  }
  const auto now = Clock::now();
  counts_.step += now - begin;
  ++counts_.steps;
  counts_.stepped_rows += static_cast<std::uint64_t>(rows);
  for (auto& [number, running] : running_) {
    if (running.model != model) continue;
    ++running.tokens;
    if (running.first) counts_.between_tokens.add(now - running.last);
    if (!running.first) running.first = now;
    running.last = now;
  }
  for (auto& [replies, consistency] : done) {
    const auto one = running_.find(replies.number);
    if (one == running_.end()) continue;
    TurnEnd last{.finish = finish_of(replies),
                 .replies = std::move(replies),
                 .consistency = std::move(consistency)};
    end(one->second, std::move(last));
    running_.erase(one);
  }
  for (auto& [number, running] : running_)
    if (running.model == model && !told.contains(number))
      guarded(number, [&] { running.job.listener->progressed(running.tokens); });
  end_lost();
}

/// A model that failed has lost all its turns.
void Engine::Loop::end_all_of(const std::shared_ptr<RowModel>& model) {
  for (auto one = running_.begin(); one != running_.end();) {
    if (one->second.model != model) {
      ++one;
      continue;
    }
    ++counts_.failures;
    end(one->second, {.finish = Finish::kError});
    one = running_.erase(one);
  }
}

Durations Engine::Loop::durations_of(const Running& running) const {
  const auto& accepted = running.job.accepted;
  const auto now = Clock::now();
  return {.queue = running.started - accepted,
          .first = running.first.value_or(now) - accepted,
          .total = now - accepted};
}

void Engine::Loop::end(const Running& running, TurnEnd last) {
  last.tokens = running.read;
  last.revision = running.model->revision();
  last.tokens.completion = tokens_of(last.replies, running.tokens);
  last.took = durations_of(running);
  constexpr int kTurns = 16;  // a turn weighs so much less than all before it
  turn_time_ += (Clock::now() - running.started - turn_time_) / kTurns;
  ended_.emplace_back(running.job.listener, std::move(last));
}

/// Of a turn that never ran.
void Engine::Loop::end(const Job& job, Finish finish) {
  const auto waited = Clock::now() - job.accepted;
  ended_.emplace_back(job.listener,
                      TurnEnd{.finish = finish,
                              .replies = {},
                              .tokens = {},
                              .took = {.queue = waited, .first = waited, .total = waited}});
}

/// Shows what is waiting and running now, and then tells what ended: who is told finds it counted
/// no more.
void Engine::Loop::publish() {
  counts_.waiting = static_cast<std::int64_t>(waiting_.size());
  counts_.running = std::ssize(running_);
  counts_.rows = running_rows();
  counts_.cache = model_->cache();
  {
    const std::lock_guard lock(mutex_);
    state_ = counts_;
    mean_turn_ = turn_time_;
  }
  for (auto& [listener, last] : std::exchange(ended_, {})) {
    try {
      listener->ended(std::move(last));
    } catch (const std::exception&) {
      ++counts_.failures;
    }
  }
}

Engine::Engine(std::shared_ptr<RowModel> model, const EngineLimits& limits)
    : loop_(std::make_unique<Loop>(std::move(model), limits)) {}

Engine::~Engine() = default;

void Engine::end() { loop_->end(); }

std::optional<std::uint64_t> Engine::submit(Turn turn, std::shared_ptr<TurnListener> listener) {
  return loop_->submit(std::move(turn), std::move(listener));
}

void Engine::cancel(std::uint64_t number) { loop_->cancel(number); }
void Engine::forget(std::string conversation) { loop_->forget(std::move(conversation)); }
void Engine::swap(std::shared_ptr<RowModel> model) { loop_->swap(std::move(model)); }
Clock::duration Engine::expected_wait() const { return loop_->expected_wait(); }
EngineState Engine::state() const { return loop_->state(); }

}  // namespace banter::serve
