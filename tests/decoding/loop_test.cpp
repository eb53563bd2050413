#include "models/commands/loop.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace banter::models {
namespace {

std::vector<std::string> turns(const std::string& letters) {
  std::vector<std::string> made;
  for (const char letter : letters) made.emplace_back(1, letter);
  return made;
}

TEST(LoopTest, FindsTheShortestOneThatATalkEndsIn) {
  EXPECT_EQ(loop_at_end(turns("abcxyxyxy")), (Loop{3, 2}));
  EXPECT_EQ(loop_at_end(turns("yxyxyxy")), (Loop{0, 2}));
  EXPECT_EQ(loop_at_end(turns("abbb")), (Loop{1, 1}));
  EXPECT_EQ(loop_at_end(turns("abcabcabc")), (Loop{0, 3}));
  EXPECT_EQ(loop_at_end(turns("aabaabaab")), (Loop{0, 3}));
  EXPECT_EQ(loop_at_end(turns("cxyxyx")), std::nullopt) << "begun a third time, not ended";
  EXPECT_EQ(loop_at_end(turns("abb")), std::nullopt) << "twice may be an answer";
  EXPECT_EQ(loop_at_end(turns("xxxxab")), std::nullopt) << "it came out of it";
  EXPECT_EQ(loop_at_end({}), std::nullopt);
}

TEST(LoopTest, CountsDifferentTurns) {
  EXPECT_EQ(count_different(turns("abab")), 2U);
  EXPECT_EQ(count_different({}), 0U);
}

}  // namespace
}  // namespace banter::models
