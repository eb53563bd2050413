#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// A channel's log, a message a line:
///
///     [HH:MM] <nick> text
///     [HH:MM]  * nick waves            an action: nick's turn "* nick waves"
///     === nick has joined #channel     a server line: no turn
///
/// A run of lines is one dialogue, whoever speaks in it, in the order of the log (23:59 comes
/// before 00:01). A blank line ends it. A line that is too long or no text ends the one before it,
/// and another begins behind it. Other lines are passed over and told. The id is the log's path in
/// the source without `.txt`, a colon and a running number, 0 for the first.
///
/// Recognised by its first line, a message or a server line, and a message near its beginning.
std::string_view recognises_irc(std::string_view head);
void read_irc(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
