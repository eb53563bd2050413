#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <variant>

namespace banter::serve {

/// Every bound of conversations. `kChatSettings` has a row for each field: the options of `banter
/// serve` and the table in README.md are made of it, or held to it.
struct ChatSettings {
  std::int64_t turns_per_minute = 60;
  std::int64_t owner_turns_per_minute = 600;
  std::int64_t sessions_per_owner = 1000;
  std::int64_t bad_frames = 5;
  std::int64_t replay_bytes = 262'144;
  std::chrono::milliseconds turn_deadline{60'000};
  std::chrono::milliseconds session_rest{1'800'000};
  std::chrono::milliseconds watchdog{10'000};
};

/// One field: its option's name without dashes, where it is, what it means.
struct ChatSetting {
  std::string_view name;
  std::variant<std::int64_t ChatSettings::*, std::chrono::milliseconds ChatSettings::*> field;
  std::string_view meaning;
};

inline constexpr std::array kChatSettings = {
    ChatSetting{"turns-per-minute", &ChatSettings::turns_per_minute, "turns of one session"},
    ChatSetting{"owner-turns-per-minute", &ChatSettings::owner_turns_per_minute,
                "turns of one token or address, over HTTP too"},
    ChatSetting{"sessions-per-owner", &ChatSettings::sessions_per_owner,
                "sessions in memory of one token or address"},
    ChatSetting{"bad-frames", &ChatSettings::bad_frames,
                "frames within a minute that cannot be taken, until the connection is closed"},
    ChatSetting{"replay-bytes", &ChatSettings::replay_bytes,
                "frames of one session that are kept for a client that comes back"},
    ChatSetting{"turn-deadline", &ChatSettings::turn_deadline,
                "from a turn's acceptance to its end"},
    ChatSetting{"session-rest", &ChatSettings::session_rest,
                "that a session without a connection stays in memory"},
    ChatSetting{"watchdog", &ChatSettings::watchdog,
                "that the engine may be silent before /readyz says so"},
};

}  // namespace banter::serve
