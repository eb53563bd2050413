#include <cmath>

#include <gtest/gtest.h>

#include "tests/train/metrics/texts.h"
#include "train/metrics/texts/repetition.h"

namespace banter::train {
namespace {

double value_of(const std::string& name, const std::vector<std::string>& replies) {
  return tests::value_of(name, tests::samples_of(replies, replies));
}

TEST(DistinctTest, GoldenExample) {
  const auto samples = tests::golden_samples();
  EXPECT_NEAR(tests::value_of("distinct_1", samples), 12.0 / 14, 1e-12);
  EXPECT_NEAR(tests::value_of("distinct_2", samples), 1, 1e-12);
  EXPECT_NEAR(tests::value_of("distinct_avg", samples), (12.0 / 14 + 1) / 2, 1e-12);
}

TEST(DistinctTest, CaseAndWhiteSpaceDoNotMatterButBordersDo) {
  EXPECT_EQ(value_of("distinct_2", {"Hello  there", "hello\tTHERE"}), 0.5);
  EXPECT_EQ(value_of("distinct_2", {"ab c", "a bc"}), 1) << "words do not run together";
  EXPECT_EQ(value_of("distinct_2", {"a b", "c d"}), 1);
  EXPECT_EQ(value_of("distinct_2", {"a a", "a a"}), 0.5) << "no pair across replies";
  EXPECT_EQ(value_of("distinct_1", {"ÉTÉ", "été"}), 0.5);
}

TEST(DistinctTest, NoNGramGivesZero) {
  EXPECT_EQ(value_of("distinct_2", {"alone"}), 0);
  EXPECT_EQ(value_of("distinct_1", {"", " "}), 0);
  EXPECT_EQ(value_of("entropy_2", {"alone"}), 0);
}

TEST(EntropyTest, GoldenExample) {
  const auto samples = tests::golden_samples();
  EXPECT_NEAR(tests::value_of("entropy_1", samples), 2.441015, 1e-6);
  EXPECT_NEAR(tests::value_of("entropy_2", samples), 2.397895, 1e-6);
}

TEST(EntropyTest, ByHand) {
  EXPECT_NEAR(value_of("entropy_1", {"a a a", "b"}), -0.75 * std::log(0.75) - 0.25 * std::log(0.25),
              1e-12);
  EXPECT_NEAR(value_of("entropy_1", {"a b c d"}), std::log(4), 1e-12);
}

TEST(SameReplyTest, CountsEveryReplyThatAnotherOneEquals) {
  EXPECT_EQ(value_of("same_reply", {"yes .", "Yes.", "no", "yes"}), 0.5);
  EXPECT_EQ(value_of("same_reply", {"a", "b"}), 0);
  EXPECT_EQ(value_of("same_reply", {"", " "}), 1) << "empty ones are equal, too";
}

TEST(RepeatTest, CountsWhatStoodBefore) {
  // a b a b a: of 5 words 3 again, of 4 pairs 2, of 3 threes 1, of 2 fours none.
  const std::vector<double> wanted = {3.0 / 5, 2.0 / 4, 1.0 / 3, 0};
  for (int n = 1; n <= 4; ++n)
    EXPECT_NEAR(value_of("repeat_" + std::to_string(n), {"a b A b a"}),
                wanted[static_cast<std::size_t>(n - 1)], 1e-12);
}

TEST(RepeatTest, IsTheMeanOverRepliesAndCountsThoseWithoutNGrams) {
  EXPECT_NEAR(value_of("repeat_2", {"a a a", "b", ""}), 0.5 / 3, 1e-12);
}

TEST(CopyTest, CountsWhatStandsInATurnOfTheContext) {
  const std::vector<Sample> one = {
      {.reply = "i like tea and tea", .references = {}, .context = {"Tea ?", "i like"}}};
  EXPECT_NEAR(tests::value_of("copy_1", one), 4.0 / 5, 1e-12);
  EXPECT_NEAR(tests::value_of("copy_2", one), 1.0 / 4, 1e-12) << "no pair across turns";
}

TEST(CopyTest, IsTheMeanOverReplies) {
  const std::vector<Sample> two = {{.reply = "a b", .references = {}, .context = {"a"}},
                                   {.reply = "", .references = {}, .context = {"a"}}};
  EXPECT_NEAR(tests::value_of("copy_1", two), 0.25, 1e-12);
}

TEST(DistinctTest, OfCharactersSeesWhatSentencesShare) {
  const auto samples = tests::samples_of({"我很好", "我 很忙"}, {"好", "忙"});
  const MetricSettings settings{.tokenize = Tokenize::kCharacters};
  EXPECT_NEAR(tests::value_of("distinct_1", samples, settings), 4.0 / 6, 1e-12);
  EXPECT_NEAR(tests::value_of("distinct_2", samples, settings), 3.0 / 4, 1e-12);
  EXPECT_NEAR(tests::value_of("length", samples, settings), 3, 1e-12);
  EXPECT_EQ(tests::value_of("distinct_1", samples), 1) << "three different words of 13a's";
}

TEST(LengthTest, IsTheMeanOf13aWords) {
  EXPECT_NEAR(value_of("length", {"Yes, 3.5!", ""}), 2, 1e-12);
}

}  // namespace
}  // namespace banter::train
