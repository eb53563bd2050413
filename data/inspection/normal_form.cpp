#include "data/inspection/normal_form.h"

#include <array>
#include <cstdint>

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

namespace banter::data {
namespace {

constexpr std::size_t kAscii = 128;

/// What an ASCII character becomes, 0 = nothing.
constexpr std::array<char, kAscii> kept_ascii() {
  std::array<char, kAscii> kept{};
  for (std::size_t c = 0; c < kAscii; ++c) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) kept[c] = static_cast<char>(c);
    if (c >= 'A' && c <= 'Z') kept[c] = static_cast<char>(c - 'A' + 'a');
  }
  return kept;
}
constexpr auto kKept = kept_ascii();

bool is_letter_of_another_script(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  return u_isalpha(c) != 0 && uscript_getScript(c, &error) != USCRIPT_LATIN;
}

void append_code_point(UChar32 c, std::string& out) {
  std::array<char, U8_MAX_LENGTH> bytes{};
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, c);
  out.append(bytes.data(), size);
}

}  // namespace

void append_normal_form(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < kAscii) {
      if (kKept[byte] != 0) out += kKept[byte];
      ++at;
      continue;
    }
    UChar32 c = 0;
    U8_NEXT_UNSAFE(text.data(), at, c);
    c = u_tolower(c);
    if (c < UChar32{kAscii})  // a Kelvin sign
      out += kKept[static_cast<std::size_t>(c)];
    else if (is_letter_of_another_script(c))
      append_code_point(c, out);
  }
}

}  // namespace banter::data
