#pragma once

#include <cstddef>
#include <string>

#include "data/dialogue.h"
#include "data/pair.h"

/// Records as our own JSON Lines: what `jsonl` and `pairs` read back to equal records.
namespace banter::data {

/// One line without its end; what a dialogue does not have is left out. Text other than ASCII stays
/// as it is.
///
/// Throws   DataError when a key of meta or the persona of a speaker stands twice: an object cannot
///          hold both
std::string to_json_line(const Dialogue& dialogue);

/// The ranking that a turn with distractors asks for, one line without its end:
///
///     {"id": "x", "context": [{"speaker": "A", "text": "hi"}], "personas": {"A": ["..."]},
///      "reply": {"speaker": "B", "text": "ho"}, "candidates": ["no", "ho"], "answer": 1}
///
/// `turn` is counted from 0 and is the number of turns of the context; `answer` is the true reply's
/// place among the candidates, drawn by a hash of id and turn. `personas` may be absent.
/// Throws   DataError when the persona of a speaker stands twice
std::string to_ranking_line(const Dialogue& dialogue, std::size_t turn);

/// One line without its end.
std::string to_json_line(const Pair& pair);

}  // namespace banter::data
