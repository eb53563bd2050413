#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace banter::train {

/// What separates words for the metrics: Unicode's white space and the four ASCII separators, as
/// Python's `str.split` has it.
constexpr bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

/// The code point at the front of valid UTF-8, taken off it.
constexpr char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t character = size == 1 ? lead : lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) character = character << 6U | (byte(i) & 0x3FU);
  text.remove_prefix(size);
  return character;
}

/// Gives `take` the pieces of valid UTF-8 between white space.
template <typename Take>
void for_each_piece(std::string_view text, const Take& take) {
  const char* begin = text.data();
  const char* const end = text.data() + text.size();
  while (!text.empty()) {
    const char* const here = text.data();
    if (!is_white_space(take_character(text))) continue;
    if (here != begin) take(std::string_view(begin, here));
    begin = text.data();
  }
  if (begin != end) take(std::string_view(begin, end));
}

/// The code points of valid UTF-8 that are no white space.
inline std::vector<char32_t> dense_characters(std::string_view text) {
  std::vector<char32_t> characters;
  characters.reserve(text.size());
  while (!text.empty())
    if (const auto c = take_character(text); !is_white_space(c)) characters.push_back(c);
  return characters;
}

/// The same as texts of their own.
inline std::vector<std::string> single_characters(std::string_view text) {
  std::vector<std::string> characters;
  while (!text.empty()) {
    const char* const here = text.data();
    if (!is_white_space(take_character(text))) characters.emplace_back(here, text.data());
  }
  return characters;
}

}  // namespace banter::train
