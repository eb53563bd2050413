#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include <simdjson.h>

#include "base/count_places.h"
#include "base/utf8_sequence.h"

namespace banter::base {
namespace {

/// Whether all of so many bytes are ASCII.
template <std::size_t kBytes>
bool are_ascii(const char* bytes) {
  std::array<std::uint64_t, kBytes / sizeof(std::uint64_t)> words;
  std::memcpy(words.data(), bytes, kBytes);
  std::uint64_t all = 0;
  for (const auto word : words) all |= word;
  return (all & 0x8080808080808080ULL) == 0;
}

/// How many bytes in front are ASCII, in steps of 32 and then of 8.
std::size_t ascii_in_front(std::string_view text) {
  std::size_t at = 0;
  while (at + 32 <= text.size() && are_ascii<32>(text.data() + at)) at += 32;
  while (at + 8 <= text.size() && are_ascii<8>(text.data() + at)) at += 8;
  return at;
}

/// Whether a character can steer a terminal: control characters (C0, DEL, C1), and those that turn
/// the direction of what follows around.
bool steers(std::string_view character) {
  const auto within = [&](std::string_view low, std::string_view high) {
    return low <= character && character <= high;
  };
  return character < " " || within("\x7F", "\xC2\x9F") || within("\xE2\x80\xAA", "\xE2\x80\xAE") ||
         within("\xE2\x81\xA6", "\xE2\x81\xA9");
}

/// Bytes as \xHH.
std::string escaped(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return text;
}

}  // namespace

std::optional<std::size_t> first_bad_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text)) return std::nullopt;
  for (std::size_t at = ascii_in_front(text); at < text.size();) {
    const auto length = utf8_sequence_length(text.substr(at));
    if (length == 0) return at;
    at += length;
    if (length > 1) at += ascii_in_front(text.substr(at));
  }
  return std::nullopt;
}

bool is_ascii(std::string_view text) {
  const auto rest = text.substr(ascii_in_front(text));
  if (rest.size() >= 8) return false;
  if (text.size() >= 8) return are_ascii<8>(text.data() + text.size() - 8);
  return std::ranges::all_of(rest, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t count_code_points(std::string_view text) {
  return count_places(0, text.size(), [&](std::size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
  });
}

std::size_t count_non_ascii_code_points(std::string_view text) {
  return count_places(0, text.size(), [&](std::size_t i) {
    return static_cast<unsigned char>(text[i]) >= 0xC0U;  // a lead byte
  });
}

std::size_t count_words(std::string_view text) {
  if (text.empty()) return 0;
  const auto begins = [&](std::size_t i) { return is_space(text[i - 1]) > is_space(text[i]); };
  return (is_space(text.front()) ? 0 : 1) + count_places(1, text.size(), begins);
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, small_ascii, small_ascii);
}

bool is_blank(std::string_view text) { return std::ranges::all_of(text, is_space); }

std::string printable(std::string_view text, std::size_t max_bytes) {
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
  if (text.size() <= max_bytes && std::ranges::all_of(text, is_plain)) return std::string(text);
  std::string shown;
  while (!text.empty()) {
    const auto length = utf8_sequence_length(text);
    const auto character = text.substr(0, std::max<std::size_t>(length, 1));
    const auto part =
        length == 0 || steers(character) ? escaped(character) : std::string(character);
    if (shown.size() + part.size() > max_bytes) return shown + "...";
    shown += part;
    text.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace banter::base
