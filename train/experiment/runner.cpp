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

#include <poll.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/lock.h"
#include "base/signals.h"
#include "train/experiment/cell_sources.h"
#include "train/experiment/child.h"
#include "train/experiment/run_progress.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kLookEvery = 200;  ///< milliseconds between looks at signals, time and locks

/// How far a store is that is made from a recipe's `data`.
enum class StoreState { kUnknown, kInWork, kReady, kFailed };

/// A child at work: for a cell, or for the store that it needs.
struct Job {
  std::size_t cell = 0;
  std::string command;  ///< prepare, train, or what measures
  base::FileLock lock;
  Child child;
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
      if (!cell.prepares) stores_[cell.store] = StoreState::kReady;
  }

  RunOutcome run() {
    bool is_asked_to_stop = false;
    while (true) {
      take_ended();
      if (must_stop() && !is_asked_to_stop) {
        is_asked_to_stop = true;
        const int signal = base::stop_signal();
        for (const auto& job : jobs_) job.child.send(signal != 0 ? signal : SIGTERM);
      }
      const bool is_waiting = !is_asked_to_stop && start_what_can();
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
    const CellFiles files(cell);
    auto& store = stores_[cell.store];
    if (store == StoreState::kInWork) return true;  // its end starts this one
    if (store == StoreState::kFailed) {
      fail(i, "prepare", 1);
      return true;
    }
    base::make_folders(cell.folder);
    if (store == StoreState::kUnknown) {
      base::write_durably(cell.recipe_file(), cell.recipe);
      const auto lock_file = options_.stores / ("." + cell.data_key.substr(0, 12) + ".experiment");
      if (!start_job(i, "prepare", prepare_arguments(cell), lock_file)) return false;
      store = StoreState::kInWork;
      return true;
    }
    const auto& source = sources_.hash_of(cell);
    const auto state = files.state(source);
    if (state == CellState::kDone) {
      done_.insert(i);
      progress_.was_done(i);
      return true;
    }
    if (state == CellState::kTrained)
      return start_job(i, measure_arguments(cell, options_).front(),
                       measure_arguments(cell, options_), files.lock(),
                       [&] { files.begin_measuring(); });
    return start_job(i, "train", train_arguments(cell), files.lock(), [&] { files.begin(source); });
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
    ChildOptions child{.arguments = std::move(arguments),
                       .variables = {},
                       .out = files.out(),
                       .log = files.log(),
                       .lock = lock->descriptor()};
    if (limits_.jobs > 1) child.variables["OMP_WAIT_POLICY"] = "passive";  // changes no byte
    jobs_.push_back(
        {.cell = i, .command = command, .lock = std::move(*lock), .child = Child(child)});
    progress_.started(i, command);
    return true;
  }

  /// What a recipe asks for, or an equal share of the cores (or of OMP_NUM_THREADS).
  [[nodiscard]] std::int64_t threads_of(const Cell& cell) const {
    if (cell.threads > 0) return cell.threads;
    std::int64_t all = std::max(1U, std::thread::hardware_concurrency());
    if (const char* given = std::getenv("OMP_NUM_THREADS"); given != nullptr)
      all = std::max(std::int64_t{1}, static_cast<std::int64_t>(std::atoll(given)));
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
    const auto& cell = cells_[job.cell];
    const CellFiles files(cell);
    const std::chrono::duration<double> seconds = Clock::now() - job.begun;
    files.add_time(job.command, seconds.count());
    if (job.command == "prepare")
      stores_[cell.store] = code == 0 ? StoreState::kReady : StoreState::kUnknown;
    if (code != 0) {
      if (must_stop()) return;  // it saved: the next call goes on
      if (job.command == "prepare") stores_[cell.store] = StoreState::kFailed;
      fail(job.cell, job.command, code);
      return;
    }
    if (job.command == "train") {
      files.mark_trained(base::read_file(files.out()));
    } else if (job.command != "prepare") {
      files.mark_done(base::read_file(files.out()));
      done_.insert(job.cell);
    }
    fs::remove(files.out());
    progress_.ended(job.cell, job.command, seconds, done_.contains(job.cell));
  }

  void fail(std::size_t i, const std::string& command, int code) {
    failed_[i] = true;
    base::make_folders(cells_[i].folder);
    CellFiles(cells_[i]).mark_failed(command, code);
    progress_.failed(i, command, code);
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
  std::map<fs::path, StoreState> stores_;
  CellSources sources_;
  std::set<std::size_t> done_;
  std::vector<bool> failed_;
};

}  // namespace

std::vector<CellState> states_of(const std::vector<Cell>& cells) {
  CellSources sources;
  std::vector<CellState> states;
  for (const auto& cell : cells) states.push_back(CellFiles(cell).state(sources.hash_of(cell)));
  return states;
}

RunOutcome run_cells(const std::vector<Cell>& cells, const ExperimentOptions& options,
                     const RunLimits& limits) {
  return Runner(cells, options, limits).run();
}

}  // namespace banter::train
