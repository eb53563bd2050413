#include "data/formats/turns/marked_text.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace banter::data {
namespace {

constexpr std::string_view kMessageMark = "__eou__";
constexpr std::string_view kTurnMark = "__eot__";
static_assert(kMessageMark.size() == kTurnMark.size());
constexpr std::size_t kMarkSize = kTurnMark.size();

bool is_space(char c) { return c == ' ' || c == '\t'; }

Mark mark_at(std::string_view text, std::size_t at) {
  const auto end = at + kMarkSize;
  if ((at > 0 && !is_space(text[at - 1])) || (end < text.size() && !is_space(text[end])))
    return Mark::kNone;
  const auto word = text.substr(at, kMarkSize);
  return word == kMessageMark ? Mark::kMessage : word == kTurnMark ? Mark::kTurn : Mark::kNone;
}

bool has_likeness_of_a_mark(std::string_view text) {
  const auto same = [](char c, char small) {
    return c == small || (c >= 'A' && c <= 'Z' && c - 'A' + 'a' == small);
  };
  for (auto at = text.find("__"); at != std::string_view::npos; at = text.find("__", at + 1)) {
    const auto word = text.substr(at, kMarkSize);
    if (std::ranges::equal(word, kMessageMark, same) || std::ranges::equal(word, kTurnMark, same))
      return true;
  }
  return false;
}

}  // namespace

MarkedPiece take_piece(std::string_view& rest) {
  constexpr std::string_view kOpening = "__eo";
  for (auto at = rest.find(kOpening); at != std::string_view::npos;
       at = rest.find(kOpening, at + 1)) {
    const auto mark = mark_at(rest, at);
    if (mark == Mark::kNone) continue;
    const MarkedPiece piece{trimmed(rest.substr(0, at)), mark};
    rest.remove_prefix(at + kMarkSize);
    return piece;
  }
  return {trimmed(std::exchange(rest, {})), Mark::kNone};
}

bool has_mark(std::string_view text) { return take_piece(text).mark != Mark::kNone; }

bool has_turn_mark(std::string_view text) {
  while (!text.empty())
    if (take_piece(text).mark == Mark::kTurn) return true;
  return false;
}

TurnTexts split_at_marks(std::string_view text, Mark turn_end, std::size_t max_turns) {
  if (base::first_bad_utf8(text)) return {{}, "a text is not valid UTF-8", {}};
  if (text.find('\0') != std::string_view::npos) return {{}, "a text holds NUL", {}};
  TurnTexts turns;
  bool gap = false;
  bool in_turn = false;
  while (!text.empty()) {
    const auto [message, mark] = take_piece(text);
    if (!base::is_blank(message)) {
      if (!in_turn && turns.texts.size() == max_turns)
        return {{}, "a dialogue has more turns than data.max_turns", {}};
      if (in_turn)
        (turns.texts.back() += ' ') += message;
      else
        turns.texts.emplace_back(message);
      in_turn = true;
    } else if (mark == Mark::kMessage || (mark == Mark::kTurn && !in_turn)) {
      gap = true;
    }
    if (mark == turn_end) in_turn = false;
  }
  if (turns.texts.empty()) return {{}, kNoTurns, {}};
  if (gap) return {{}, "nothing stands between two marks: a turn or message is empty", {}};
  if (std::ranges::any_of(turns.texts, has_likeness_of_a_mark))
    turns.note = "what looks like __eou__ or __eot__ does not stand alone: it is kept as text";
  return turns;
}

}  // namespace banter::data
