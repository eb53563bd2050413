#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace banter::base {

/// Byte offset of the first place that is not strict UTF-8 (overlong forms, surrogates, cut
/// sequences, above U+10FFFF), or nothing when all is well. NUL is valid UTF-8.
std::optional<std::size_t> first_bad_utf8(std::string_view text);

std::size_t count_code_points(std::string_view text);  ///< requires valid UTF-8

/// Pieces between ASCII white space (space, tab, CR, LF, VT, FF): the words of every per-word
/// figure.
std::size_t count_words(std::string_view text);

/// Whether a text has no word.
bool is_blank(std::string_view text);

/// Makes bytes safe for a message: control characters (also those above ASCII), overrides of the
/// direction of writing and bad bytes become \xHH, and no more than `max_bytes` are shown (then
/// "...").
std::string printable(std::string_view text, std::size_t max_bytes = 80);

}  // namespace banter::base
