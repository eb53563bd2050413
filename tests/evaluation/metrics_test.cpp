#include "train/metrics.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/random.h"

namespace banter::train {
namespace {

TEST(LikelihoodTest, MetricsAreRatiosOfSumsAndNotMeansOfRatios) {
  // Two groups of very different size: the mean of their perplexities would be far off.
  const std::vector<Likelihood> groups = {
      {.nll = 1 * std::log(16.0), .labels = 1, .correct = 1, .words = 1, .bytes = 4, .replies = 1},
      {.nll = 3 * std::log(2.0), .labels = 3, .correct = 0, .words = 1, .bytes = 3, .replies = 1}};
  const auto sum = total(groups);
  EXPECT_NEAR(sum.ppl(), std::exp2(7.0 / 4), 1e-12);
  EXPECT_NEAR(sum.nll_word(), 7 * std::log(2.0) / 2, 1e-12);
  EXPECT_NEAR(sum.ppl_word(), std::exp2(3.5), 1e-12);
  EXPECT_NEAR(sum.bpb(), 1.0, 1e-12);
  EXPECT_EQ(sum.token_accuracy(), 0.25);
  EXPECT_EQ(sum.replies, 2);
}

TEST(LikelihoodTest, NothingCountedIsNoNumber) {
  const Likelihood none;
  for (const double value :
       {none.ppl(), none.nll_word(), none.ppl_word(), none.bpb(), none.token_accuracy()})
    EXPECT_TRUE(std::isnan(value));
}

TEST(ResampleTest, DrawsAreTheSameForTheSameSeedAndPairedBetweenSystems) {
  std::vector<Likelihood> a, b;
  for (int i = 0; i < 30; ++i) {
    a.push_back({.nll = i * 1.0, .labels = 1});
    b.push_back({.nll = i * 3.0, .labels = 1});
  }
  const auto first = resample(a, 50), again = resample(a, 50), other = resample(a, 50, 1);
  const auto paired = resample(b, 50);
  bool same = true;
  for (std::size_t r = 0; r < first.size(); ++r) {
    EXPECT_EQ(first[r].nll, again[r].nll);
    EXPECT_NEAR(paired[r].nll, 3 * first[r].nll, 1e-9);
    EXPECT_EQ(first[r].labels, 30) << "as many groups as there are";
    same = same && first[r].nll == other[r].nll;
  }
  EXPECT_FALSE(same);
}

TEST(ResampleTest, TheIntervalOfAMeanIsAsWideAsTheNormalOne) {
  // 400 groups of 0 or 1: the standard error of the mean is 0.5 / 20.
  std::vector<Likelihood> groups;
  for (int i = 0; i < 400; ++i) groups.push_back({.labels = 1, .correct = i % 2 == 0 ? 1.0 : 0.0});
  std::vector<double> means;
  for (const auto& draw : resample(groups)) means.push_back(draw.token_accuracy());
  const auto interval = percentile_interval(means);
  EXPECT_NEAR(interval.low, 0.5 - 1.96 * 0.025, 0.006);
  EXPECT_NEAR(interval.high, 0.5 + 1.96 * 0.025, 0.006);
}

TEST(PercentileTest, PointsAreInterpolated) {
  std::vector<double> values(101);
  std::iota(values.rbegin(), values.rend(), 0.0);
  EXPECT_NEAR(percentile_interval(values).low, 2.5, 1e-12);
  EXPECT_NEAR(percentile_interval(values).high, 97.5, 1e-12);
  EXPECT_EQ(percentile_interval({4.0}).high, 4.0);
  EXPECT_TRUE(std::isnan(percentile_interval({1.0, std::nan("")}).low));
}

TEST(DistinctTest, CountsNGramsInsideRepliesOnly) {
  Distinct one(1), two(2);
  for (const auto* reply : {"i am fine , thanks .", "the cat sat on the mat .", "no"}) {
    one.add(reply);
    two.add(reply);
  }
  EXPECT_EQ(one.different(), 12U);
  EXPECT_EQ(one.all(), 14U);
  EXPECT_EQ(two.different(), 11U);
  EXPECT_EQ(two.all(), 11U);
  EXPECT_DOUBLE_EQ(one.value(), 12.0 / 14);
}

TEST(DistinctTest, CaseAndWhiteSpaceDoNotMatterButBordersDo) {
  Distinct two(2);
  two.add("Hello  there\n");
  two.add("hello\tTHERE");
  EXPECT_EQ(two.different(), 1U);
  EXPECT_EQ(two.all(), 2U);
  Distinct joined(2);
  joined.add("ab c");
  joined.add("a bc");
  EXPECT_EQ(joined.different(), 2U) << "words do not run together";
}

TEST(DistinctTest, NoNGramGivesZero) {
  Distinct two(2);
  two.add("alone");
  EXPECT_EQ(two.value(), 0.0);
}

TEST(DistinctIntervalTest, HoldsTheEstimateAndNeedsEveryBlock) {
  std::vector<std::string> replies;
  std::vector<std::uint64_t> groups;
  for (std::uint64_t i = 0; i < 200; ++i) {
    replies.push_back("w" + std::to_string(base::mix64(i) % 60) + " x" + std::to_string(i % 7));
    groups.push_back(i);
  }
  Distinct whole(1);
  for (const auto& reply : replies) whole.add(reply);
  const auto interval = distinct_interval(replies, groups, 1);
  ASSERT_TRUE(interval);
  EXPECT_LT(interval->low, whole.value());
  EXPECT_GT(interval->high, whole.value());
  groups.assign(groups.size(), 3);
  EXPECT_FALSE(distinct_interval(replies, groups, 1));
}

}  // namespace
}  // namespace banter::train
