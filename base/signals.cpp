#include "base/signals.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>

#include <unistd.h>

#include "base/errors.h"

namespace banter::base {
namespace {

// GNU timeout sends its signal twice in a row, to the process and to its group: that is one wish.
constexpr std::int64_t kSameWishNanoseconds = 250'000'000;

std::atomic<int> g_signal{0};
std::atomic<std::int64_t> g_came_at{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not lock");
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "a signal handler may not lock");

void on_stop(int signal) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto at = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  std::int64_t first = 0;  // when the first one came: set before anything else can look at it
  if (g_came_at.compare_exchange_strong(first, at)) {
    g_signal.store(signal);
  } else if (at - first > kSameWishNanoseconds) {
    ::_exit(128 + signal);
  }
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = &on_stop;
  ::sigemptyset(&action.sa_mask);
  ::sigaddset(&action.sa_mask, SIGINT);  // one handler at a time
  ::sigaddset(&action.sa_mask, SIGTERM);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
}

int stop_signal() { return g_signal.load(); }

void throw_if_stopped() {
  if (const int signal = stop_signal(); signal != 0) throw Stopped(signal);
}

void clear_stop_signal() {
  g_signal.store(0);
  g_came_at.store(0);
}

}  // namespace banter::base
