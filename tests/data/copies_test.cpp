#include "data/cleaning/copies.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

class CopiesTest : public testing::TestWithParam<data::Likeness> {
 protected:
  /// Whether the pair is a copy of an earlier one.
  bool is_copy(const std::string& premise, const std::string& hypothesis,
               data::Label label = data::Label::kNeutral) {
    return copies_.find(data::Pair{"", premise, hypothesis, label, "", ""}, "f").has_value();
  }

  TemporaryFolder folder_;
  data::SeenKeys seen_{folder_.path()};
  data::Copies copies_{seen_, "", GetParam()};
};

TEST_P(CopiesTest, WhereThePremiseEndsTellsPairsApart) {
  EXPECT_FALSE(is_copy("I have a cat", "a dog is here"));
  EXPECT_FALSE(is_copy("I have a cat a", "dog is here"));
  EXPECT_FALSE(is_copy("I have", "a cat a dog is here"));
  EXPECT_TRUE(is_copy("I have a cat", "a dog is here"));
}

TEST_P(CopiesTest, ATextWithoutLettersCountsAsItIs) {
  EXPECT_FALSE(is_copy("I agree", ":)"));
  EXPECT_FALSE(is_copy("I agree", ":("));
  EXPECT_FALSE(is_copy(":)", "I agree"));
  EXPECT_TRUE(is_copy("I agree", ":("));
}

TEST_P(CopiesTest, AnotherLabelIsNoCopy) {
  EXPECT_FALSE(is_copy("a", "b"));
  EXPECT_FALSE(is_copy("a", "b", data::Label::kEntailment));
  EXPECT_TRUE(is_copy("a", "b", data::Label::kEntailment));
}

INSTANTIATE_TEST_SUITE_P(Likenesses, CopiesTest,
                         testing::Values(data::Likeness::kExact, data::Likeness::kNormalised));

}  // namespace
}  // namespace banter::tests
