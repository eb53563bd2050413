#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "data/formats/turns/by_turns.h"

/// Text in which marks end messages and turns, as the Ubuntu corpora and DailyDialog have it.
namespace banter::data {

/// What ends a piece of a text. A mark is one only where it stands alone between spaces.
enum class Mark : std::uint8_t {
  kNone,     ///< the text ends
  kMessage,  ///< `__eou__`, end of an utterance
  kTurn,     ///< `__eot__`
};

struct MarkedPiece {
  std::string_view text;  ///< without spaces at its ends; may be blank
  Mark mark = Mark::kNone;
};

/// Takes the text up to the next mark, and the mark, off the front of `rest`.
MarkedPiece take_piece(std::string_view& rest);

/// Whether a mark of any kind stands in the text.
bool has_mark(std::string_view text);

/// Whether a mark that ends a turn, and not only a message, stands in the text.
bool has_turn_mark(std::string_view text);

/// The fault of a text without a word in it.
constexpr std::string_view kNoTurns = "a dialogue has no turns";

/// Cuts a text into turns at `turn_end`. Messages of a turn are joined by one space; the last turn
/// may lack its mark. Two marks with nothing between are a fault, but for `__eot__` behind the
/// `__eou__` of a turn's last message. What is spelt like a mark, case aside, and does not stand
/// alone is text, and noted. Requires no `__eot__` in the text where `__eou__` ends turns.
TurnTexts split_at_marks(std::string_view text, Mark turn_end, std::size_t max_turns);

}  // namespace banter::data
