#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace banter::serve {

enum class LogLevel : std::uint8_t { kInfo, kWarning, kError };

/// One line for the log: what happened, without texts, tokens and whole addresses of users.
struct LogEntry {
  LogLevel level = LogLevel::kInfo;
  std::string_view event;
  std::string_view detail{};
  std::string session{};  ///< a hash of its id, so that lines of one can be found together
};

/// Any thread may call it.
using Log = std::function<void(const LogEntry&)>;

}  // namespace banter::serve
