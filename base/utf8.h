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

bool is_ascii(std::string_view text);

std::size_t count_code_points(std::string_view text);            ///< requires valid UTF-8
std::size_t count_non_ascii_code_points(std::string_view text);  ///< the same

/// Pieces between ASCII white space (space, tab, CR, LF, VT, FF): the words of every per-word
/// figure.
std::size_t count_words(std::string_view text);

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }  ///< ASCII

/// A capital letter of ASCII made small; anything else as it is.
constexpr char small_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether two texts differ in the case of ASCII letters at most.
bool equal_but_for_case(std::string_view a, std::string_view b);

/// Gives each of the words to `take(std::string_view)`.
template <typename Take>
void for_each_word(std::string_view text, const Take& take) {
  for (auto at = text.begin(); at != text.end();) {
    while (at != text.end() && is_space(*at)) ++at;
    const auto begin = at;
    while (at != text.end() && !is_space(*at)) ++at;
    if (begin != at) take(std::string_view(begin, at));
  }
}

/// Whether a text has no word.
bool is_blank(std::string_view text);

/// Makes bytes safe for a message: control characters (also those above ASCII), overrides of the
/// direction of writing and bad bytes become \xHH, and no more than `max_bytes` are shown (then
/// "...").
std::string printable(std::string_view text, std::size_t max_bytes = 80);

}  // namespace banter::base
