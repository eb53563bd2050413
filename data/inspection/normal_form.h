#pragma once

#include <string>
#include <string_view>

namespace banter::data {

/// Appends what is left of a text when case, punctuation, spaces and marks are taken for nothing:
/// the letters a to z and the digits of the lower-cased text, and the letters of other scripts than
/// Latin (without them all Chinese texts would be one). Requires valid UTF-8.
void append_normal_form(std::string_view text, std::string& out);

}  // namespace banter::data
