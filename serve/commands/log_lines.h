#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "serve/log_entry.h"

namespace banter::serve {

/// The server's log on standard error: one JSON object a line, `ts`, `level`, `event`, and where
/// there are any `detail` and `session`. An event
/// that comes more than ten times in ten seconds is counted instead, and the count told with the
/// next one that is written.
///
/// Threads  any
class LogLines {
 public:
  void write(const LogEntry& entry);

 private:
  using Clock = std::chrono::steady_clock;
  struct Burst {
    Clock::time_point begin{};
    std::int64_t written = 0, passed_over = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Burst, std::less<>> bursts_;
};

}  // namespace banter::serve
