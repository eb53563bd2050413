#include "data/cleaning/unicode_text.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace banter::tests {
namespace {

std::string letters_and_digits(std::string_view text) {
  std::string out;
  data::append_letters_and_digits(text, out);
  return out;
}

/// What a change leaves; it must say whether that is another text.
std::string after(bool (*change)(std::string&), const std::string& text) {
  auto changed = text;
  const bool is_told = change(changed);
  EXPECT_EQ(is_told, changed != text) << text;
  return changed;
}

std::string small(const std::string& text) { return after(&data::make_small, text); }
std::string nfkc(const std::string& text) { return after(&data::make_nfkc, text); }

TEST(UnicodeTextTest, ATextStaysThatIsSmallAndNormal) {
  for (const std::string text : {"", "small", "klein \xC3\xA4", "\xE4\xB8\xAD"}) {
    EXPECT_EQ(small(text), text);
    EXPECT_EQ(nfkc(text), text);
  }
}

TEST(UnicodeTextTest, LowersLettersOneByOne) {
  EXPECT_EQ(small("ABC xyz 123 [\\]"), "abc xyz 123 [\\]");
  EXPECT_EQ(small("\xC3\x84\xC3\x96\xC3\x97\xC3\x9F"),  // Ä Ö × ß
            "\xC3\xA4\xC3\xB6\xC3\x97\xC3\x9F");
  EXPECT_EQ(small("\xC5\x81\xC5\xBD\xC4\x90"), "\xC5\x82\xC5\xBE\xC4\x91");  // Ł Ž Đ
  EXPECT_EQ(small("\xCE\x91\xCE\xA9\xCE\x86"), "\xCE\xB1\xCF\x89\xCE\xAC");  // Α Ω Ά
  EXPECT_EQ(small("\xD0\x96\xD0\x81"), "\xD0\xB6\xD1\x91");                  // Ж Ё
  EXPECT_EQ(small("\xE1\xBA\x9E\xE1\x83\x90"), "\xC3\x9F\xE1\x83\x90");      // ẞ ა
  EXPECT_EQ(small("\xF0\x90\x90\x80"), "\xF0\x90\x90\xA8");                  // Deseret, four bytes
  EXPECT_EQ(small("\xE4\xB8\xAD\xF0\x9F\x98\x80"), "\xE4\xB8\xAD\xF0\x9F\x98\x80");
}

TEST(UnicodeTextTest, ACapitalIsMadeSmallWhereverItStands) {
  for (std::size_t length = 1; length < 50; ++length)
    for (std::size_t at = 0; at < length; ++at) {
      std::string text(length, '@'), expected = text;  // right before the capitals
      text[at] = 'Z';
      expected[at] = 'z';
      EXPECT_EQ(small(text), expected);
    }
}

TEST(UnicodeTextTest, NoLocaleAndNothingAroundALetterChangesIt) {
  EXPECT_EQ(small("I\xC4\xB0"), "ii");                       // as no Turk would have it
  EXPECT_EQ(small("\xCE\xA3\xCE\xA3"), "\xCF\x83\xCF\x83");  // Σ at the end is σ too
}

TEST(UnicodeTextTest, NfkcSpellsCompatibleCharactersInOneWay) {
  EXPECT_EQ(nfkc("plain text"), "plain text");
  EXPECT_EQ(nfkc("\xEF\xBC\xA1\xEF\xBC\x91"), "A1");     // full width
  EXPECT_EQ(nfkc("\xEF\xAC\x81\xE2\x80\xA6"), "fi...");  // ligature, ellipsis
  EXPECT_EQ(nfkc("e\xCC\x81"), "\xC3\xA9");              // an accent apart
  EXPECT_EQ(nfkc("a\xC2\xA0z"), "a z");                  // no-break space
  EXPECT_EQ(nfkc("A"), "A");                             // no small letters
}

TEST(UnicodeTextTest, CharactersOfALaterUnicodeStay) {
  // U+1E030, a superscript of Unicode 15: an ICU that knows it would write U+0430.
  const std::string later = "\xF0\x9E\x80\xB0";
  EXPECT_EQ(nfkc("\xEF\xBC\xA1" + later), "A" + later);
  EXPECT_EQ(small("A" + later), "a" + later);
  EXPECT_EQ(letters_and_digits("A" + later), "a");
  const auto cyrillic = data::script_named("Cyrillic").value();
  EXPECT_EQ(data::count_scripts(later, std::vector{cyrillic}).letters, 0U);
}

TEST(UnicodeTextTest, KeepsLettersMarksAndDigits) {
  EXPECT_EQ(letters_and_digits(" It's, 3 O'Clock! "), "its3oclock");
  EXPECT_EQ(letters_and_digits("\xD0\x96-\xE4\xB8\xAD"), "\xD0\xB6\xE4\xB8\xAD");
  EXPECT_EQ(letters_and_digits("\xE0\xA4\x95\xE0\xA4\xBF"),  // a vowel sign is a mark
            "\xE0\xA4\x95\xE0\xA4\xBF");
  EXPECT_EQ(letters_and_digits("CAF\xC3\x89 \xD0\x96"), "caf\xC3\xA9\xD0\xB6");
  EXPECT_EQ(letters_and_digits("\xE2\x84\xAA"), "k");  // the Kelvin sign's small letter
  EXPECT_EQ(letters_and_digits("?! \xF0\x9F\x98\x80"), "");
}

TEST(UnicodeTextTest, NamesOfScriptsAreUnicodes) {
  EXPECT_TRUE(data::script_named("Latin").has_value());
  EXPECT_EQ(data::script_named("latn"), data::script_named("Latin"));
  EXPECT_NE(data::script_named("Han"), data::script_named("Latin"));
  for (const char* none : {"", "English", "Latin1", "Common", "Inherited", "Unknown", "Jpan"})
    EXPECT_FALSE(data::script_named(none)) << none;
}

TEST(UnicodeTextTest, CountsLettersThatHaveAScriptOfTheirOwn) {
  const auto latin = data::script_named("Latin").value();
  const auto han = data::script_named("Han").value();
  const auto count = data::count_scripts("ab 1! \xC2\xB5 \xD0\xB6 \xE4\xB8\xAD\xE3\x83\xBC",
                                         std::vector{latin, han});
  EXPECT_EQ(count.letters, 4U);  // a b ж 中; micro and the long vowel mark are all scripts'
  EXPECT_EQ(count.allowed, 3U);
}

}  // namespace
}  // namespace banter::tests
