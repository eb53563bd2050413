#pragma once

#include <string>

namespace banter::base {

/// A text with U+FFFD in place of each byte that belongs to no character (`first_bad_utf8`): for
/// readers that refuse a whole message for one such byte.
/// Cost     O(bytes); none but the check where the text is valid
std::string repaired_utf8(std::string text);

}  // namespace banter::base
