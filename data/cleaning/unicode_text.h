#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/container/small_vector.hpp>

/// What needs Unicode's tables. They are ICU's, and no locale enters; characters that came after
/// Unicode 14 are left alone, so that a newer ICU makes the same bytes (what Unicode has once said
/// of a character's small letter and of its NFKC form it keeps). All texts are valid UTF-8.
namespace banter::data {

/// Makes every letter small by the simple rules, one character for one, whatever stands around it.
/// Returns   whether that changed the text
bool make_small(std::string& text);

/// Puts a text into normalization form KC: one spelling for what compatible characters spell
/// (full-width letters, ligatures, no-break spaces, letters with their accents apart).
/// Returns   whether that changed the text
/// Throws   DataError when ICU lacks its table
bool make_nfkc(std::string& text);

/// Appends the letters with their marks and the digits of the text in small letters, nothing
/// between them.
void append_letters_and_digits(std::string_view text, std::string& out);

/// A writing system, by ICU's number.
using Script = std::int32_t;

/// The script of a name or code of Unicode's ("Latin", "Latn"); nothing for what is none, or none
/// that letters have of their own ("Common").
std::optional<Script> script_named(const std::string& name);
std::string name_of(Script script);  ///< Unicode's, "Latin"

/// How many letters of one script a text has.
struct ScriptLetters {
  Script script = 0;
  std::uint64_t letters = 0;
};
using LettersByScript = boost::container::small_vector<ScriptLetters, 4>;  ///< few have more

/// The letters of a text by their scripts, each script once; those that all scripts share (as the
/// micro sign), marks, digits and characters after Unicode 14 are left out.
LettersByScript letters_by_script(std::string_view text);

/// The same in all and of the scripts that are allowed.
struct ScriptCount {
  std::uint64_t letters = 0;
  std::uint64_t allowed = 0;  ///< of them: of one of the given scripts

  ScriptCount& operator+=(const ScriptCount& other) {
    letters += other.letters;
    allowed += other.allowed;
    return *this;
  }
};
ScriptCount count_scripts(std::string_view text, std::span<const Script> allowed);

}  // namespace banter::data
