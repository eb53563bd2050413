#include "serve/commands/log_lines.h"

#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "serve/protocol/json_writer.h"

namespace banter::serve {

void LogLines::write(const LogEntry& entry) {
  constexpr std::int64_t kMost = 10;
  constexpr std::chrono::seconds kWindow{10};
  const std::lock_guard lock(mutex_);
  auto& burst = bursts_[std::string(entry.event)];
  const auto now = Clock::now();
  if (now - burst.begin > kWindow) {
    burst.begin = now;
    burst.written = 0;
  }
  if (burst.written == kMost) {
    ++burst.passed_over;
    return;
  }
  ++burst.written;
  using std::chrono::system_clock;
  const std::chrono::duration<double> time = system_clock::now().time_since_epoch();
  JsonWriter line;
  line.open('{');
  line.field("ts", static_cast<double>(static_cast<std::int64_t>(time.count() * 1000)) / 1000);
  constexpr std::array<std::string_view, 3> kLevels = {"info", "warning", "error"};
  line.field("level", kLevels.at(static_cast<std::size_t>(entry.level)));
  line.field("event", entry.event);
  if (!entry.detail.empty()) line.field("detail", entry.detail);
  if (!entry.session.empty()) line.field("session", entry.session);
  if (burst.passed_over > 0) line.field("passed_over", std::exchange(burst.passed_over, 0));
  line.close('}');
  const auto text = line.take() + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace banter::serve
