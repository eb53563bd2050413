#include "base/signals.h"

#include <atomic>
#include <csignal>

#include <unistd.h>

#include "base/errors.h"

namespace banter::base {
namespace {

std::atomic<int> g_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not lock");

void on_stop(int signal) {
  if (g_signal.exchange(signal) != 0) ::_exit(128 + signal);
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = &on_stop;
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

void clear_stop_signal() { g_signal.store(0); }

}  // namespace banter::base
