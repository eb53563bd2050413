#pragma once

#include <string>
#include <string_view>

namespace banter::models {

/// Writes to standard output at once. Throws   FileError when it is closed or full
void print(std::string_view text);

/// A reply's text as one line: line breaks and tabs become spaces.
std::string one_line(std::string text);

}  // namespace banter::models
