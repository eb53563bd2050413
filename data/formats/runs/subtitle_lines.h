#pragma once

#include <string_view>

#include "data/formats/formats.h"

namespace banter::data {

/// Subtitles as plain text, one a line, without any marks: who speaks is unknown ("?").
///
/// A blank line ends a dialogue. A line that is too long or no text ends the one before it, and
/// another begins behind it. Lines stay as they are, with their dashes and notes; where no line is
/// blank, data.max_turns cuts. The id is a running number, 1 for the first.
///
/// Recognised by what is not there: markup, tabs, JSON, the marks of other formats.
std::string_view recognises_subtitle_lines(std::string_view head);
void read_subtitle_lines(InputStream& stream, const ReadLimits& limits, Receiver& receiver);

}  // namespace banter::data
