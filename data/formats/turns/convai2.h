#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// ConvAI2 and PersonaChat text: numbered lines, the personas, then pairs of turns.
///
///     1 your persona: i keep bees.
///     2 partner's persona: i have two sons.
///     3 A's text <TAB> B's text
///     4 A's text <TAB> B's text <TAB> <TAB> a reply|another one|...
///
/// B replies and has "your" persona, A begins and has the partner's; a file may hold either, both
/// or none. The fourth column, where there is one, offers replies: those that are not B's become
/// the distractors of his turn, each once. `__SILENCE__` is nothing said, so it is no turn.
///
/// The number 1 opens a dialogue, and so does a persona line behind turns, which is told. Where the
/// numbers go on and there are no persona lines, the border of two dialogues cannot be seen: they
/// are read as one. A number that does not follow the one before loses the dialogue. The last line
/// of a dialogue may lack its reply.
///
/// The id is the running number of the dialogue in its file, lost ones counted. The group is made
/// from the first three texts: the training file holds each talk twice, once from each side, the
/// second time behind a silence and perhaps without its last text. So both sides have one group
/// and land in one split, as does the same talk with other personas or with reworded ones.
std::string_view recognises_convai2(std::string_view head);
void read_convai2(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
