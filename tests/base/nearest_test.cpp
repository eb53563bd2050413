#include "base/nearest.h"

#include <vector>

#include <gtest/gtest.h>

namespace banter::base {
namespace {

TEST(NearestTest, FindsTheWordWithTheFewestEdits) {
  const std::vector<std::string> known = {"train", "evaluate", "generate", "chat"};
  EXPECT_EQ(nearest_word("trian", known), "train");
  EXPECT_EQ(nearest_word("generat", known), "generate");
  EXPECT_EQ(nearest_word("cat", known), "chat");
  EXPECT_EQ(nearest_word("chat", known), "chat");
}

TEST(NearestTest, TheFirstOfEqualsWinsAndNothingIsNearestToNothing) {
  const std::vector<std::string> known = {"ab", "ac"};
  EXPECT_EQ(nearest_word("ax", known), "ab");
  EXPECT_EQ(nearest_word("", known), "ab");
  EXPECT_EQ(nearest_word("ax", {}), "");
}

}  // namespace
}  // namespace banter::base
