#pragma once

#include <span>
#include <string>
#include <string_view>

namespace banter::base {

/// The word of `known` that is the fewest edits (insert, remove, replace one byte) away from
/// `word`, the first of equals; "" when `known` is empty. For messages: "did you mean".
/// Cost     O(length * length) for each known word
std::string nearest_word(std::string_view word, std::span<const std::string> known);

}  // namespace banter::base
