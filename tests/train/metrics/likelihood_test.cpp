#include "train/metrics/likelihoods/likelihood.h"

#include <cmath>

#include <gtest/gtest.h>

#include "train/metrics/statistics/interval.h"

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

}  // namespace
}  // namespace banter::train
