// How fast conversations are kept: messages with the replies that they are owed, in SQLite, each
// synced to the disk before it is called back.
//
//     build/text-release/tests/bench/archive_bench [--benchmark_filter=...]
//
// The number behind a name is that of the writes on their way at once: 1 waits for each commit,
// more share them. p50_ms and p99_ms are from asking to being called back, commits those a second.
// The folder is the system's temporary one: TMPDIR names another disk.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "serve/archive/archive.h"
#include "tests/support/temporary_folder.h"

namespace banter::serve {
namespace {

using Clock = std::chrono::steady_clock;

/// Asks for messages, so many at once, and measures each.
class Load {
 public:
  Load(Archive& archive, std::size_t at_once) : archive_(archive), at_once_(at_once) {}

  void ask() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ < at_once_; });
    ++under_way_;
    const auto id = std::to_string(++asked_);
    lock.unlock();
    archive_.add_message({.session = "s" + std::to_string(asked_ % 64),
                          .client_id = id,
                          .text = "Do you like to row on the lake in the morning?"},
                         [this, start = Clock::now()](const WriteResult<MessageRows>& result) {
                           note(start, result.status == WriteStatus::kDone);
                         });
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
  }

  [[nodiscard]] double quantile_ms(double share) {
    if (times_.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(times_.size() - 1));
    std::nth_element(times_.begin(), times_.begin() + at, times_.end());
    return times_[static_cast<std::size_t>(at)];
  }
  [[nodiscard]] bool has_failed() const { return has_failed_; }

 private:
  void note(Clock::time_point start, bool is_done) {
    const std::chrono::duration<double, std::milli> time = Clock::now() - start;
    const std::lock_guard lock(mutex_);
    times_.push_back(time.count());
    has_failed_ |= !is_done;
    --under_way_;
    changed_.notify_one();
  }

  Archive& archive_;
  const std::size_t at_once_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0, asked_ = 0;
  std::vector<double> times_;
  bool has_failed_ = false;
};

void messages(benchmark::State& state) {
  const tests::TemporaryFolder folder;
  const auto archive = open_archive(folder / "archive.sqlite");
  for (int i = 0; i < 64; ++i)
    archive->create_session({.id = "s" + std::to_string(i)}, [](const auto&) {});
  Load load(*archive, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) load.ask();
  load.wait();
  if (load.has_failed()) state.SkipWithError("a message was not kept");
  state.counters["p50_ms"] = load.quantile_ms(0.5);
  state.counters["p99_ms"] = load.quantile_ms(0.99);
  state.counters["messages"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["commits"] = benchmark::Counter(
      static_cast<double>(archive->state().commits.count()), benchmark::Counter::kIsRate);
}
BENCHMARK(messages)->Arg(1)->Arg(8)->Arg(64)->Arg(256)->UseRealTime();

}  // namespace
}  // namespace banter::serve

BENCHMARK_MAIN();
