#include "base/utf8.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace banter::base {
namespace {

TEST(Utf8Test, AcceptsEveryKindOfWellFormedText) {
  for (const char* text : {"", "plain", "é", "€", "𝄞", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF4\x8F\xBF\xBF", "\xEF\xBB\xBF bom"}) {
    EXPECT_EQ(first_bad_utf8(text), std::nullopt) << printable(text);
  }
  EXPECT_EQ(first_bad_utf8(std::string("a\0b", 3)), std::nullopt);
}

TEST(Utf8Test, FindsTheFirstBadByte) {
  for (const char* bad : {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF",
                          "\xE2\x82", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x9D\x84",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    EXPECT_EQ(first_bad_utf8(bad), 0u) << printable(bad);
    EXPECT_EQ(first_bad_utf8("é𝄞" + std::string(bad)), 6u) << printable(bad);
  }
}

TEST(Utf8Test, FindsTheFirstBadByteAtAnyDistance) {
  for (std::size_t before = 0; before < 20; ++before)
    for (std::size_t behind = 0; behind < 20; ++behind) {
      const auto text = std::string(before, 'a') + "\xFF" + std::string(behind, 'b');
      EXPECT_EQ(first_bad_utf8(text), before);
      EXPECT_EQ(first_bad_utf8("\xC3\xA9" + text), before + 2);
    }
}

TEST(Utf8Test, CountsCodePoints) {
  EXPECT_EQ(count_code_points(""), 0u);
  EXPECT_EQ(count_code_points("aé€𝄞"), 4u);
}

TEST(Utf8Test, CountsCodePointsAboveAscii) {
  EXPECT_EQ(count_non_ascii_code_points(""), 0u);
  EXPECT_EQ(count_non_ascii_code_points("a\x7F"), 0u);
  EXPECT_EQ(count_non_ascii_code_points("a\xC2\x80é€b𝄞"), 4u);
}

TEST(Utf8Test, OnlyCapitalLettersOfAsciiAreMadeSmall) {
  std::string small = "AMZ@[ az09\xC3\x89";  // the signs around the letters, and a capital E acute
  for (char& c : small) c = small_ascii(c);
  EXPECT_EQ(small, "amz@[ az09\xC3\x89");
}

TEST(Utf8Test, TheCaseOfAsciiLettersAloneMayDiffer) {
  EXPECT_TRUE(equal_but_for_case("Ann B.", "aNN b."));
  EXPECT_FALSE(equal_but_for_case("ann", "anna"));
  EXPECT_FALSE(equal_but_for_case("@", "`"));
  EXPECT_FALSE(equal_but_for_case("\xC3\x89", "\xC3\xA9"));  // E acute: not ASCII
}

TEST(Utf8Test, ATextWithoutWordsIsBlank) {
  EXPECT_TRUE(is_blank(""));
  EXPECT_TRUE(is_blank(" \t\r\n\v\f"));
  EXPECT_FALSE(is_blank("  x"));
  EXPECT_FALSE(is_blank("\xC2\xA0"));  // a no-break space is no white space of ASCII
}

TEST(Utf8Test, CountsWordsBetweenAsciiWhiteSpace) {
  EXPECT_EQ(count_words(""), 0u);
  EXPECT_EQ(count_words(" \t\r\n\v\f"), 0u);
  EXPECT_EQ(count_words("one"), 1u);
  EXPECT_EQ(count_words("  one,two\tthree \n four"), 3u);
  EXPECT_EQ(count_words("a\xC2\xA0"
                        "b"),
            1u);  // a no-break space joins
}

/// Texts of every length, of characters that the counts tell apart.
std::string text_of_length(std::size_t length) {
  constexpr std::string_view kCharacters = "a \xC3\xA9\tb\nc\xE2\x82\xAC  d";
  std::string text;
  while (text.size() < length) text += kCharacters[(text.size() * text.size()) % 13];
  return text;
}

TEST(Utf8Test, TextsOfEveryLengthAreCountedByteByByte) {
  for (std::size_t length = 0; length < 100; ++length) {
    const auto text = text_of_length(length);
    std::size_t characters = 0, above_ascii = 0, words = 0;
    char before = ' ';
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      characters += byte < 0x80 || byte >= 0xC0 ? 1 : 0;
      above_ascii += byte >= 0xC0 ? 1 : 0;
      words += is_space(before) && !is_space(c) ? 1 : 0;
      before = c;
    }
    EXPECT_EQ(count_code_points(text), characters);
    EXPECT_EQ(count_non_ascii_code_points(text), above_ascii);
    EXPECT_EQ(count_words(text), words);
  }
}

TEST(Utf8Test, AByteAboveAsciiIsSeenWhereverItStands) {
  for (std::size_t length = 0; length < 80; ++length) {
    const std::string text(length, '~');
    EXPECT_TRUE(is_ascii(text)) << length;
    for (std::size_t at = 0; at < length; ++at) {
      auto other = text;
      other[at] = '\x80';
      EXPECT_FALSE(is_ascii(other)) << at << " of " << length;
    }
  }
}

TEST(Utf8Test, PrintableTextIsSafeInAMessage) {
  EXPECT_EQ(printable("é plain"), "é plain");
  EXPECT_EQ(printable("a\nb\x1B[0m\x7F"), "a\\x0Ab\\x1B[0m\\x7F");
  EXPECT_EQ(printable("\xC3("), "\\xC3(");
}

TEST(Utf8Test, NothingThatSteersATerminalIsPrintable) {
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\xC2\\x9B31m");  // U+009B, a CSI of one character
  EXPECT_EQ(printable("\xC2\x80\xC2\x9F\xC2\xA0"), "\\xC2\\x80\\xC2\\x9F\xC2\xA0");
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b"),
            "a\\xE2\\x80\\xAEb");  // U+202E turns the line around
  EXPECT_EQ(printable("\xE2\x80\xA9\xE2\x80\xAA\xE2\x80\xAF"),
            "\xE2\x80\xA9\\xE2\\x80\\xAA\xE2\x80\xAF");
  EXPECT_EQ(printable("\xE2\x81\xA5\xE2\x81\xA6\xE2\x81\xA9\xE2\x81\xAA"),
            "\xE2\x81\xA5\\xE2\\x81\\xA6\\xE2\\x81\\xA9\xE2\x81\xAA");
}

TEST(Utf8Test, PrintableTextIsCutAtWholeCharacters) {
  EXPECT_EQ(printable("12345678", 8), "12345678");
  EXPECT_EQ(printable("123456789", 8), "12345678...");
  EXPECT_EQ(printable("1234567é", 8), "1234567...");
  EXPECT_EQ(printable("123456\n", 8), "123456...");
  EXPECT_EQ(printable("\xC2\x9B", 8), "\\xC2\\x9B");
  EXPECT_EQ(printable("\xC2\x9B", 7), "...");
}

}  // namespace
}  // namespace banter::base
