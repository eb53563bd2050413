#pragma once

#include <csignal>

#include "base/signals.h"

namespace banter::tests {

/// While it lives the process has been asked to stop, as by Ctrl-C.
class StopSignal {
 public:
  StopSignal() {
    base::install_stop_signals();
    base::clear_stop_signal();
    std::raise(SIGINT);
  }
  ~StopSignal() {
    base::clear_stop_signal();
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
};

}  // namespace banter::tests
