#include "data/formats/turns/eou_text.h"

#include <algorithm>
#include <array>

#include "data/formats/turns/marked_text.h"
#include "data/input/lines.h"

namespace banter::data {
namespace {

bool is_of_another_form(std::string_view line) {
  constexpr std::array<std::string_view, 5> kSigns = {"\t", "__eou__,", "__eot__,", "__eou__\"",
                                                      "__eot__\""};
  return line.starts_with("{\"") || line.starts_with("[{") ||
         std::ranges::any_of(kSigns, [&](auto sign) { return line.find(sign) != line.npos; });
}

/// What ends a turn in a file that begins so.
Mark turn_end_of(std::string_view head) {
  while (!head.empty())
    if (has_turn_mark(take_line(head))) return Mark::kTurn;
  return Mark::kMessage;
}

}  // namespace

std::string_view recognises_eou_text(std::string_view head) {
  while (!head.empty()) {
    const auto line = take_line(head);
    if (trimmed(line).empty()) continue;
    if (has_mark(line) && !is_of_another_form(line)) return "its first line has __eou__ or __eot__";
    break;
  }
  return {};
}

void read_eou_text(InputStream& stream, const ReadLimits& limits, Receiver& receiver) {
  const auto turn_end = turn_end_of(stream.peek(kHeadBytes));
  const auto max_turns = static_cast<std::size_t>(limits.max_turns);
  read_dialogue_lines(stream, limits, receiver, [&](std::string_view line) -> TurnTexts {
    if (turn_end == Mark::kMessage && has_turn_mark(line))
      return {{}, "a line has __eot__, and the first lines of the file have none", {}};
    return split_at_marks(line, turn_end, max_turns);
  });
}

}  // namespace banter::data
