#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// Our own form: one JSON object a line, or one array of such objects.
///
///     {"id": "x", "turns": [{"speaker": "A", "text": "hi", "time": "...",
///      "distractors": ["..."]}, ...],
///      "meta": {"k": "v"}, "group": "g", "personas": {"A": ["..."]}}
///
/// `time`, `distractors`, `meta`, `group` and `personas` may be absent, a speaker may be absent or
/// "" ("?" then); further keys are passed over. Dialogues of one group stay in one split. A
/// distractor is a false reply; one that is its turn's own text is left out and told.
std::string_view recognises_jsonl(std::string_view head);
void read_jsonl(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
