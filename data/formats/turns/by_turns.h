#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/formats/formats.h"

/// Dialogues of two who speak by turns, in formats that do not name them.
namespace banter::data {

/// The texts of a dialogue's turns, as far as they can be kept.
struct TurnTexts {
  std::vector<std::string> texts;  ///< in order; empty where there is a fault
  std::string_view fault;          ///< why they cannot be kept, a literal; "" = all is well
  std::string_view note;           ///< what is odd in them, a literal; "" = nothing
};

/// A says the first text, B the second, A the third and so on.
Dialogue by_turns(std::string id, std::vector<std::string> texts);

/// Reads a stream that has a dialogue a line, cut into turns by `split`. The id is the running
/// number of the line; blank ones are no dialogues and not counted.
void read_dialogue_lines(InputStream& stream, const ReadLimits& limits, Receiver& receiver,
                         const std::function<TurnTexts(std::string_view)>& split);

}  // namespace banter::data
