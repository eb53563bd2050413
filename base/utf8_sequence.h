#pragma once

#include <cstddef>
#include <string_view>

namespace banter::base {

/// Bytes of the strict UTF-8 sequence that begins a text, which is not empty; 0 when none does.
/// Source   The Unicode Standard, table 3-7 (well-formed byte sequences)
std::size_t utf8_sequence_length(std::string_view text);

}  // namespace banter::base
