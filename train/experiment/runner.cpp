#include "train/experiment/runner.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <list>
#include <set>
#include <thread>
#include <utility>

#include <poll.h>

#include "base/child.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/lock.h"
#include "base/signals.h"
#include "train/experiment/cell_sources.h"
#include "train/experiment/run_progress.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kLookEvery = 200;  ///< milliseconds between looks at signals, time and locks

/// How far a store is that is made from a recipe's `data`.
enum class StoreState { kUnknown, kInWork, kReady, kFailed };

/// A store that cells share.
struct SharedStore {
  StoreState state = StoreState::kUnknown;
  std::size_t cell = 0;  ///< whose log tells why it failed
  int exit_code = 0;     ///< of that
};

/// A child at work: for a cell, or for the store that it needs.
struct Job {
  std::size_t cell = 0;
  std::string command;  ///< prepare, train, or what measures
  base::FileLock lock;
  base::Child child;
  Clock::time_point begun = Clock::now();
};

class Runner {
 public:
  Runner(const std::vector<Cell>& cells, const ExperimentOptions& options, const RunLimits& limits)
      : cells_(cells),
        options_(options),
        limits_(limits),
        deadline_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(60 * limits.minutes))),
        progress_(cells, limits.jobs, limits.quiet),
        failed_(cells.size()) {
    base::make_folders(options.stores);
    for (const auto& cell : cells)
      if (!cell.prepares) stores_[cell.store].state = StoreState::kReady;
  }

  ~Runner() {  // where something was thrown: all are told before one is waited for
    tell_to_stop(SIGTERM);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  RunOutcome run() {
    while (true) {
      take_ended();
      if (must_stop()) {
        const int signal = base::stop_signal();
        tell_to_stop(signal != 0 ? signal : SIGTERM);
      }
      const bool is_waiting = !is_told_ && start_what_can();
      if (jobs_.empty() && !is_waiting) break;
      progress_.look(running());
      wait_a_little();
    }
    return outcome();
  }

 private:
  [[nodiscard]] bool must_stop() const {
    return base::stop_signal() != 0 || (limits_.minutes > 0 && Clock::now() >= deadline_);
  }

  void tell_to_stop(int signal) {
    if (std::exchange(is_told_, true)) return;
    for (auto& job : jobs_) job.child.send(signal);
  }

  void wait_a_little() const {
    std::vector<pollfd> handles;
    for (const auto& job : jobs_) handles.push_back({job.child.descriptor(), POLLIN, 0});
    ::poll(handles.data(), handles.size(), kLookEvery);
  }

  [[nodiscard]] bool is_running(std::size_t cell) const {
    return std::ranges::any_of(jobs_, [&](const Job& job) { return job.cell == cell; });
  }

  /// Starts cells while there is room. Whether one must wait for a process that is not ours.
  bool start_what_can() {
    bool is_waiting = false;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (jobs_.size() >= static_cast<std::size_t>(limits_.jobs)) return false;
      if (failed_[i] || done_.contains(i) || is_running(i)) continue;
      if (!start(i)) is_waiting = true;
    }
    return is_waiting;
  }

  /// Starts the next command of a cell, where there is one. False when it must wait for a lock.
  bool start(std::size_t i) {
    const auto& cell = cells_[i];
    auto& store = stores_[cell.store];
    if (store.state == StoreState::kInWork) return true;  // its end starts this one
    base::make_folders(cell.folder);
    if (store.state == StoreState::kUnknown) return prepare(i, store);
    const CellFiles files(cell);
    const auto& source = sources_.hash_of(cell);
    const auto state = files.state(source);
    if (state == CellState::kDone) {
      done_.insert(i);
      progress_.was_done(i);
      return true;
    }
    if (store.state == StoreState::kFailed) return fail_unprepared(i, store);
    if (state == CellState::kTrained)
      return start_job(i, measure_arguments(cell, options_).front(),
                       measure_arguments(cell, options_), files.lock(),
                       [&] { files.begin_measuring(); });
    return start_job(i, "train", train_arguments(cell), files.lock(), [&] { files.begin(source); });
  }

  bool prepare(std::size_t i, SharedStore& store) {
    const auto& cell = cells_[i];
    base::write_durably(cell.recipe_file(), cell.recipe);
    const auto lock_file = options_.stores / ("." + cell.data_key.substr(0, 12) + ".experiment");
    if (!start_job(i, "prepare", prepare_arguments(cell), lock_file)) return false;
    store.state = StoreState::kInWork;
    return true;
  }

  /// A cell that is not done, and whose store cannot be prepared.
  bool fail_unprepared(std::size_t i, const SharedStore& store) {
    const auto lock = base::FileLock::try_lock(CellFiles(cells_[i]).lock());
    if (!lock) {
      progress_.waits(i);
      return false;
    }
    fail(i, "prepare", store.exit_code, CellFiles(cells_[store.cell]).log());
    return true;
  }

  bool start_job(std::size_t i, const std::string& command, std::vector<std::string> arguments,
                 const fs::path& lock_file, const std::function<void()>& before = {}) {
    auto lock = base::FileLock::try_lock(lock_file);
    if (!lock) {
      progress_.waits(i);
      return false;
    }
    if (before) before();
    const CellFiles files(cells_[i]);
    if (command != "prepare")
      arguments.insert(arguments.end(), {"--threads", std::to_string(threads_of(cells_[i]))});
    base::ChildOptions child{.arguments = std::move(arguments),
                             .variables = {},
                             .out = files.out(),
                             .log = files.log(),
                             .lock = lock->descriptor()};
    if (limits_.jobs > 1) child.variables["OMP_WAIT_POLICY"] = "passive";  // changes no byte
    jobs_.push_back(
        {.cell = i, .command = command, .lock = std::move(*lock), .child = base::Child(child)});
    progress_.started(i, command);
    return true;
  }

  /// What a recipe asks for, or an equal share of the cores (or of OMP_NUM_THREADS).
  [[nodiscard]] std::int64_t threads_of(const Cell& cell) const {
    if (cell.threads > 0) return cell.threads;
    std::int64_t all = std::max(1U, std::thread::hardware_concurrency());
    if (const char* given = std::getenv("OMP_NUM_THREADS"); given != nullptr)
      all = std::max(std::int64_t{1}, std::int64_t{std::strtoll(given, nullptr, 10)});
    return std::max<std::int64_t>(1, all / limits_.jobs);
  }

  void take_ended() {
    for (auto job = jobs_.begin(); job != jobs_.end();) {
      const auto code = job->child.ended();
      if (!code) {
        ++job;
        continue;
      }
      ended(*job, *code);
      job = jobs_.erase(job);
    }
  }

  void ended(const Job& job, int code) {
    const CellFiles files(cells_[job.cell]);
    const std::chrono::duration<double> seconds = Clock::now() - job.begun;
    files.add_time(job.command, seconds.count());
    const bool was_stopped = code != 0 && must_stop();  // it saved: the next call goes on
    if (job.command == "prepare") {
      auto& store = stores_[cells_[job.cell].store];
      store = {.state = code == 0     ? StoreState::kReady
                        : was_stopped ? StoreState::kUnknown
                                      : StoreState::kFailed,
               .cell = job.cell,
               .exit_code = code};
      if (store.state == StoreState::kFailed) progress_.prepare_failed(job.cell, code);
    } else if (code == 0) {
      take_answer(job, files);
    } else if (!was_stopped) {
      fail(job.cell, job.command, code, files.log());
    }
    fs::remove(files.out());
    if (code == 0 && !failed_[job.cell])
      progress_.ended(job.cell, job.command, seconds, done_.contains(job.cell));
  }

  /// Marks what a command made, by what it wrote to standard output.
  void take_answer(const Job& job, const CellFiles& files) {
    try {
      const auto answer = base::read_file(files.out());
      if (job.command == "train") {
        files.mark_trained(answer);
      } else {
        files.mark_done(answer);
        done_.insert(job.cell);
      }
    } catch (const base::Error& error) {  // it is no JSON: cut, say, by a full disk
      files.say(error.what());
      fail(job.cell, job.command, 0, files.log());
    }
  }

  /// `log` has the reason in its last lines.
  void fail(std::size_t i, const std::string& command, int code, const fs::path& log) {
    failed_[i] = true;
    CellFiles(cells_[i]).mark_failed(command, code, log);
    progress_.failed(i, command, code, log);
  }

  [[nodiscard]] std::vector<std::size_t> running() const {
    std::vector<std::size_t> cells;
    for (const auto& job : jobs_) cells.push_back(job.cell);
    return cells;
  }

  [[nodiscard]] RunOutcome outcome() const {
    RunOutcome outcome;
    outcome.done = done_.size();
    outcome.failed = static_cast<std::size_t>(std::ranges::count(failed_, true));
    outcome.left = cells_.size() - outcome.done - outcome.failed;
    outcome.signal = base::stop_signal();
    return outcome;
  }

  const std::vector<Cell>& cells_;
  const ExperimentOptions& options_;
  RunLimits limits_;
  Clock::time_point deadline_;
  RunProgress progress_;
  std::list<Job> jobs_;
  std::map<fs::path, SharedStore> stores_;
  CellSources sources_;
  std::set<std::size_t> done_;
  std::vector<bool> failed_;
  bool is_told_ = false;  ///< all jobs, to stop
};

}  // namespace

std::vector<CellState> states_of(const std::vector<Cell>& cells) {
  CellSources sources;
  std::vector<CellState> states;
  states.reserve(cells.size());
  for (const auto& cell : cells) states.push_back(CellFiles(cell).state(sources.hash_of(cell)));
  return states;
}

RunOutcome outcome_of(const std::vector<Cell>& cells) {
  const auto states = states_of(cells);
  RunOutcome outcome;
  for (std::size_t i = 0; i < cells.size(); ++i)
    ++(states[i] == CellState::kDone               ? outcome.done
       : CellFiles(cells[i]).failure().has_value() ? outcome.failed
                                                   : outcome.left);
  return outcome;
}

RunOutcome run_cells(const std::vector<Cell>& cells, const ExperimentOptions& options,
                     const RunLimits& limits) {
  return Runner(cells, options, limits).run();
}

}  // namespace banter::train
