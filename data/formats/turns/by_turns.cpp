#include "data/formats/turns/by_turns.h"

#include <utility>

#include "data/input/lines.h"

namespace banter::data {

Dialogue by_turns(std::string id, std::vector<std::string> texts) {
  Dialogue dialogue;
  dialogue.id = std::move(id);
  for (auto& text : texts)
    dialogue.turns.push_back({dialogue.turns.size() % 2 == 0 ? "A" : "B", std::move(text), ""});
  return dialogue;
}

void read_dialogue_lines(InputStream& stream, const ReadLimits& limits, Receiver& receiver,
                         const std::function<TurnTexts(std::string_view)>& split) {
  LineReader lines(stream, static_cast<std::size_t>(limits.max_line_bytes));
  const auto tell = [&](Severity severity, std::string_view rule, std::uint64_t records) {
    receiver.problem({lines.place(), severity, rule, "", records});
  };
  std::uint64_t number = 0;
  while (lines.next()) {
    if (!lines.is_too_long() && trimmed(lines.line()).empty()) continue;
    ++number;
    if (lines.is_too_long()) {
      tell(Severity::kSkip, "a line is longer than data.max_line_bytes", 1);
      continue;
    }
    auto [texts, fault, note] = split(lines.line());
    if (!fault.empty()) {
      tell(Severity::kSkip, fault, 1);
      continue;
    }
    if (!note.empty()) tell(Severity::kNote, note, 0);
    receiver.record(by_turns(std::to_string(number), std::move(texts)), lines.place());
  }
}

}  // namespace banter::data
