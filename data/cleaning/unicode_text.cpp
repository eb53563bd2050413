#include "data/cleaning/unicode_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "base/count_places.h"
#include "base/errors.h"
#include "base/utf8.h"

namespace banter::data {
namespace {

constexpr std::uint8_t kLatestAge = 14;         // of Unicode; characters that came later stay
constexpr const char* kKnown = "[:age=14.0:]";  // the same for ICU: that version or earlier

bool is_known(UChar32 c) {
  if (c < 0x80) return true;
  UVersionInfo age;
  u_charAge(c, age);
  return age[0] != 0 && age[0] <= kLatestAge;
}

template <typename Take>
void for_each_character(std::string_view text, const Take& take) {
  for (std::size_t at = 0; at < text.size();) {
    UChar32 c = 0;
    U8_NEXT_UNSAFE(text.data(), at, c);
    take(c);
  }
}

bool is_ascii_letter(char c) {
  const auto small = static_cast<unsigned char>(static_cast<unsigned char>(c) | 0x20U);
  return small >= 'a' && small <= 'z';
}

/// Nothing for what is no letter, and for a letter of all scripts.
std::optional<Script> script_of_letter(UChar32 c) {
  if (!u_isalpha(c) || !is_known(c)) return std::nullopt;
  UErrorCode code = U_ZERO_ERROR;
  const Script script = uscript_getScript(c, &code);
  if (script <= USCRIPT_INHERITED || script == USCRIPT_UNKNOWN) return std::nullopt;
  return script;
}

void append(UChar32 c, std::string& out) {
  if (c < 0x80) return out.push_back(static_cast<char>(c));
  std::array<char, U8_MAX_LENGTH> bytes{};
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, c);
  out.append(bytes.data(), size);
}

UChar32 small_letter(UChar32 c) {
  if (c < 0x80) return base::small_ascii(static_cast<char>(c));
  return is_known(c) ? u_tolower(c) : c;
}

/// Of each ASCII character the small letter or the digit that is kept of it, 0 = nothing is.
constexpr auto kKept = [] {
  std::array<char, 128> kept{};
  for (std::size_t c = '0'; c <= '9'; ++c) kept[c] = static_cast<char>(c);
  for (std::size_t c = 'A'; c <= 'Z'; ++c) {
    const auto small = c - 'A' + 'a';
    kept[c] = kept[small] = static_cast<char>(small);
  }
  return kept;
}();

/// Without branches: half of all letters would be guessed wrong.
void append_ascii_letters_and_digits(std::string_view text, std::string& out) {
  const auto before = out.size();
  out.resize(before + text.size());
  char* end = out.data() + before;
  for (const char c : text) {
    *end = kKept[static_cast<unsigned char>(c)];
    end += *end != 0 ? 1 : 0;
  }
  out.resize(static_cast<std::size_t>(end - out.data()));
}

/// A block at a time, as `base::count_places` does. Returns   whether that changed the text
bool make_ascii_small(std::span<char> text) {
  constexpr std::size_t kBlock = 16;
  std::size_t changed = 0;
  const auto make_small = [](char& c) {
    const bool is_capital = c >= 'A' && c <= 'Z';
    c = base::small_ascii(c);
    return static_cast<std::uint8_t>(is_capital);
  };
  for (; text.size() >= kBlock; text = text.subspan(kBlock)) {
    std::uint8_t of_block = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
      of_block = static_cast<std::uint8_t>(of_block + make_small(text[i]));
    changed += of_block;
  }
  for (char& c : text) changed += make_small(c);
  return changed > 0;
}

void must(UErrorCode code) {
  if (U_FAILURE(code)) throw base::DataError(std::string("ICU: ") + u_errorName(code));
}

const icu::Normalizer2& nfkc() {
  static const icu::UnicodeSet known = [] {
    UErrorCode code = U_ZERO_ERROR;
    icu::UnicodeSet set(kKnown, code);
    must(code);
    set.freeze();
    return set;
  }();
  static const icu::FilteredNormalizer2 normalizer = [] {
    UErrorCode code = U_ZERO_ERROR;
    const auto* whole = icu::Normalizer2::getNFKCInstance(code);
    must(code);
    return icu::FilteredNormalizer2(*whole, known);
  }();
  return normalizer;
}

}  // namespace

bool make_small(std::string& text) {
  if (base::is_ascii(text)) return make_ascii_small(text);
  std::string small;
  small.reserve(text.size());
  for_each_character(text, [&](UChar32 c) { append(small_letter(c), small); });
  text.swap(small);
  return text != small;
}

bool make_nfkc(std::string& text) {
  if (base::is_ascii(text)) return false;
  std::string normal;
  icu::StringByteSink<std::string> sink(&normal);
  UErrorCode code = U_ZERO_ERROR;
  nfkc().normalizeUTF8(0, {text.data(), static_cast<std::int32_t>(text.size())}, sink, nullptr,
                       code);
  must(code);
  text.swap(normal);
  return text != normal;
}

void append_letters_and_digits(std::string_view text, std::string& out) {
  if (base::is_ascii(text)) return append_ascii_letters_and_digits(text, out);
  for_each_character(text, [&](UChar32 c) {
    if (c < 0x80) {
      if (const char kept = kKept[static_cast<std::size_t>(c)]; kept != 0) out.push_back(kept);
      return;
    }
    const bool is_wanted = u_isalnum(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
    if (is_wanted && is_known(c)) append(small_letter(c), out);
  });
}

std::optional<Script> script_named(const std::string& name) {
  const auto script = static_cast<UScriptCode>(u_getPropertyValueEnum(UCHAR_SCRIPT, name.c_str()));
  if (script <= USCRIPT_INHERITED || script == USCRIPT_UNKNOWN) return std::nullopt;
  UErrorCode code = U_ZERO_ERROR;
  icu::UnicodeSet characters;  // some codes name mixtures of scripts ("Jpan") and have none
  characters.applyIntPropertyValue(UCHAR_SCRIPT, script, code);
  must(code);
  return characters.isEmpty() ? std::nullopt : std::optional<Script>(script);
}

std::string name_of(Script script) { return uscript_getName(static_cast<UScriptCode>(script)); }

LettersByScript letters_by_script(std::string_view text) {
  LettersByScript found;
  const auto add = [&](Script script, std::uint64_t letters) {
    const auto known = std::ranges::find(found, script, &ScriptLetters::script);
    if (known != found.end())
      known->letters += letters;
    else
      found.push_back({script, letters});
  };
  const auto is_latin = [&](std::size_t i) { return is_ascii_letter(text[i]); };
  if (const auto latin = base::count_places(0, text.size(), is_latin); latin > 0)
    add(USCRIPT_LATIN, latin);
  if (base::is_ascii(text)) return found;
  for_each_character(text, [&](UChar32 c) {
    if (c < 0x80) return;
    if (const auto script = script_of_letter(c)) add(*script, 1);
  });
  return found;
}

ScriptCount count_scripts(std::string_view text, std::span<const Script> allowed) {
  ScriptCount count;
  for (const auto& [script, letters] : letters_by_script(text)) {
    count.letters += letters;
    if (std::ranges::find(allowed, script) != allowed.end()) count.allowed += letters;
  }
  return count;
}

}  // namespace banter::data
