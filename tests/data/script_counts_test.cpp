#include "data/inspection/script_counts.h"

#include <gtest/gtest.h>

namespace banter::tests {
namespace {

TEST(ScriptCountsTest, CountsLettersAndTextsOfEachScript) {
  data::ScriptCounts counts;
  counts.add("Hello, 12 caf\u00e9s");  // 10 Latin letters, one of them not ASCII
  counts.add("\u043f\u0440\u0438\u0432\u0435\u0442 you");
  counts.add("\u4f60\u597d\uff0c\u4f60\u597d\u3002\u3002 \U0001F600");
  counts.add("\u4f60");
  counts.add("42 + 1");
  const auto rows = counts.rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].script, "Latin");
  EXPECT_EQ(rows[0].characters, 10U + 3U);
  EXPECT_EQ(rows[0].texts, 2U);
  EXPECT_EQ(rows[1].script, "Cyrillic");
  EXPECT_EQ(rows[1].characters, 6U);
  EXPECT_EQ(rows[1].texts, 1U);
  EXPECT_EQ(rows[2].script, "Han");
  EXPECT_EQ(rows[2].characters, 5U);
  EXPECT_EQ(rows[2].texts, 2U);
  EXPECT_EQ(counts.non_ascii_characters(), 1U + 6U + 8U + 1U);
  EXPECT_EQ(counts.non_ascii_texts(), 4U);
}

TEST(ScriptCountsTest, MarksOfNoScriptAreNoRow) {
  data::ScriptCounts counts;
  counts.add(
      "1 2 3 \u201c\u2026\u201d \U0001F44D e\u0301");  // an accent of its own is of no script
  ASSERT_EQ(counts.rows().size(), 1U);
  EXPECT_EQ(counts.rows()[0].characters, 1U);
}

TEST(ScriptCountsTest, MarksAndDigitsOfAScriptAreNoLetters) {
  data::ScriptCounts counts;
  counts.add("\u0915\u094D\u0937");          // two Devanagari letters and the mark between them
  counts.add("\u0663\u0664 \u2167 \u0964");  // Arabic digits, a Roman eight, a full stop of Hindi
  ASSERT_EQ(counts.rows().size(), 1U);
  EXPECT_EQ(counts.rows()[0].script, "Devanagari");
  EXPECT_EQ(counts.rows()[0].characters, 2U);
  EXPECT_EQ(counts.rows()[0].texts, 1U);
}

}  // namespace
}  // namespace banter::tests
