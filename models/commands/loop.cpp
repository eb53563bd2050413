#include "models/commands/loop.h"

#include <set>

namespace banter::models {

std::optional<Loop> loop_at_end(std::span<const std::string> turns) {
  constexpr std::size_t kTimes = 3;  // twice the same may be an answer
  for (std::size_t length = 1; length * kTimes <= turns.size(); ++length) {
    auto from = turns.size() - length;
    while (from > 0 && turns[from - 1] == turns[from - 1 + length]) --from;
    if (turns.size() - from >= kTimes * length) return Loop{from, length};
  }
  return std::nullopt;
}

std::size_t count_different(std::span<const std::string> turns) {
  return std::set<std::string>(turns.begin(), turns.end()).size();
}

}  // namespace banter::models
