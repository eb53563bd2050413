#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

/// Contexts as people and programs write them, one a line.
namespace banter::models {

struct GivenTurn {
  std::int64_t speaker = 0;  ///< 0 = unknown, 1 = the first that spoke, ...
  std::string text;
};

/// A context to reply to. Texts are valid UTF-8 without NUL and not blank.
struct GivenContext {
  base::json::value id;  ///< the caller's, null = none
  std::vector<GivenTurn> turns;
  std::vector<std::string> facts;     ///< about who replies
  std::int64_t reply_speaker = 0;     ///< numbered as the turns are
  std::optional<std::uint64_t> seed;  ///< of the draws of its reply
  std::optional<std::string> prefix;  ///< what its reply begins with
  std::optional<std::string> reply;   ///< to score
};

/// Reads a line: JSON when its first character is `{`, else turns separated by tabs.
///
///     {"id": any, "turns": [{"speaker": "ann", "text": "hi"}, ...], "speaker": "bob",
///      "personas": {"bob": ["i like tea ."]}, "seed": 7, "prefix": "well", "reply": "hello"}
///     {"turns": ["hi", "hello", "how are you ?"]}
///     hi<TAB>hello<TAB>how are you ?
///
/// Speakers are numbered in the order they come; "?" is unknown. Turns without a speaker are taken
/// to alternate. Who replies, when not said: the last who spoke other than the last turn's speaker,
/// else someone new. `personas` may be a list: facts about who replies; a map may name others too.
///
/// Throws   DataError "<where>: what and which rule" for what is none of this, bad UTF-8, a blank
///          text, neither a turn nor a fact, personas of nobody who speaks or replies, an unknown
///          key, and a missing `reply` when `needs_reply`
GivenContext parse_context(std::string_view line, std::string_view where, bool needs_reply = false);

}  // namespace banter::models
