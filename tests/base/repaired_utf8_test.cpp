#include "base/repaired_utf8.h"

#include <string>

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace banter::base {
namespace {

TEST(RepairedUtf8Test, ValidTextStaysAsItIs) {
  for (const char* text : {"", "plain", "é€𝄞", "\xEF\xBF\xBD"})
    EXPECT_EQ(repaired_utf8(text), text);
  EXPECT_EQ(repaired_utf8(std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(RepairedUtf8Test, EachBadByteBecomesOneReplacementCharacter) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(repaired_utf8("a\xFFz"), "a" + bad + "z");
  EXPECT_EQ(repaired_utf8("é\xE2\x82"), "é" + bad + bad);               // cut
  EXPECT_EQ(repaired_utf8("\xC0\xAF€"), bad + bad + "€");               // overlong
  EXPECT_EQ(repaired_utf8("\xED\xA0\x80!"), bad + bad + bad + "!");     // a surrogate
  EXPECT_EQ(repaired_utf8("\xF4\x90\x80\x80"), bad + bad + bad + bad);  // above U+10FFFF
}

TEST(RepairedUtf8Test, EveryPairOfBytesIsValidAfterwards) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const auto repaired = repaired_utf8(text);
      EXPECT_FALSE(first_bad_utf8(repaired)) << first << ' ' << second;
      EXPECT_EQ(repaired == text, !first_bad_utf8(text)) << first << ' ' << second;
    }
  }
}

}  // namespace
}  // namespace banter::base
