#include "train/metrics/texts/words_13a.h"

#include <gtest/gtest.h>

#include "train/metrics/texts/characters.h"

namespace banter::train {
namespace {

using Words = std::vector<std::string>;

TEST(Words13aTest, PunctuationStandsAloneButNotInNumbersAndWords) {
  EXPECT_EQ(words_13a("don't  pay 3,000.5 -- ok?"),
            (Words{"don't", "pay", "3,000.5", "--", "ok", "?"}));
  EXPECT_EQ(words_13a("Yes, (maybe) a/b; co-op."),
            (Words{"Yes", ",", "(", "maybe", ")", "a", "/", "b", ";", "co-op", "."}));
  EXPECT_EQ(words_13a("U.S. .5 5. 1.5"), (Words{"U", ".", "S", ".", ".", "5", "5", ".", "1.5"}));
}

TEST(Words13aTest, BetweenLettersAllPunctuationStandsAloneButApostropheAndHyphen) {
  for (const char c : std::string_view("!\"#$%&()*+,./:;<=>?@[\\]^_`{|}~"))
    EXPECT_EQ(words_13a(std::string("x") + c + "y"), (Words{"x", std::string(1, c), "y"})) << c;
  for (const char c : std::string_view("'-09azAZ"))
    EXPECT_EQ(words_13a(std::string("x") + c + "y").size(), 1U) << c;
}

TEST(Words13aTest, AHyphenBehindADigitStandsAlone) {
  EXPECT_EQ(words_13a("5-4 7- a-b"), (Words{"5", "-", "4", "7", "-", "a-b"}));
}

TEST(Words13aTest, PointsInARowAreTakenTwoByTwoWithoutOverlap) {
  EXPECT_EQ(words_13a("wait..."), (Words{"wait", ".", ".", "."}));
  EXPECT_EQ(words_13a("9..."), (Words{"9", ".", ".", "."}));
}

TEST(Words13aTest, EscapesAreUndoneInTheirOrder) {
  EXPECT_EQ(words_13a("&quot;a&quot; &amp;lt; &gt;"), (Words{"\"", "a", "\"", "<", ">"}));
  EXPECT_EQ(words_13a("a<skipped>b"), (Words{"ab"}));
  EXPECT_EQ(words_13a("hyphen-\nated\nline"), (Words{"hyphenated", "line"}));
}

TEST(Words13aTest, CharactersBeyondAsciiStayInTheirWords) {
  EXPECT_EQ(words_13a("café, été. 你好。"), (Words{"café", ",", "été", ".", "你好。"}));
  EXPECT_EQ(words_13a("a\u00A0b\u3000c\u2028"), (Words{"a", "b", "c"})) << "Unicode's white space";
}

TEST(Words13aTest, NothingHasNoWords) {
  EXPECT_EQ(words_13a(""), Words{});
  EXPECT_EQ(words_13a(" \t\u2003"), Words{});
}

TEST(CharactersTest, AllLengthsOfUtf8AreRead) {
  EXPECT_EQ(dense_characters("a \u00E9\u4F60\n\U0001F44D"),
            (std::vector<char32_t>{U'a', U'\u00E9', U'\u4F60', U'\U0001F44D'}));
}

}  // namespace
}  // namespace banter::train
