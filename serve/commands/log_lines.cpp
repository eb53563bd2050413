#include "serve/commands/log_lines.h"

#include <cstdio>
#include <utility>

#include "serve/protocol/json_writer.h"

namespace banter::serve {

void LogLines::write(std::string_view event, std::string_view detail) {
  constexpr std::int64_t kMost = 10;
  constexpr std::chrono::seconds kWindow{10};
  const std::lock_guard lock(mutex_);
  auto& burst = bursts_[std::string(event)];
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
  line.field("event", event);
  if (!detail.empty()) line.field("detail", detail);
  if (burst.passed_over > 0) line.field("passed_over", std::exchange(burst.passed_over, 0));
  line.close('}');
  const auto text = line.take() + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace banter::serve
