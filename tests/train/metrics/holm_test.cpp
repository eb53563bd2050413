#include "train/metrics/statistics/holm.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "train/metrics/statistics/spread.h"

namespace banter::train {
namespace {

void expect_near(const std::vector<double>& got, const std::vector<double>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-12) << i;
}

TEST(HolmTest, ByHand) {
  // Sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 = 0.02, 0.03, 0.06, 0.04, which may not fall.
  expect_near(holm(std::vector{0.01, 0.04, 0.03, 0.005}), {0.03, 0.06, 0.06, 0.02});
}

TEST(HolmTest, NothingGoesAboveOneOrBelowWhatWasGiven) {
  expect_near(holm(std::vector{0.6, 0.7}), {1, 1});
  expect_near(holm(std::vector{0.04}), {0.04});
  EXPECT_TRUE(holm({}).empty());
}

TEST(HolmTest, EqualOnesStayEqual) {
  expect_near(holm(std::vector{0.02, 0.02, 0.5}), {0.06, 0.06, 0.5});
}

TEST(SpreadTest, ByHand) {
  // Mean 2, deviation 1, t(0.975; 2) = 4.302652730 over the root of 3.
  const auto spread = spread_of(std::vector{1.0, 2.0, 3.0});
  EXPECT_EQ(spread.count, 3U);
  EXPECT_DOUBLE_EQ(spread.mean, 2);
  EXPECT_DOUBLE_EQ(spread.deviation, 1);
  ASSERT_TRUE(spread.interval);
  EXPECT_NEAR(spread.interval->high - 2, 2.4841377118, 1e-9);
  EXPECT_NEAR(2 - spread.interval->low, 2.4841377118, 1e-9);
}

TEST(SpreadTest, TwoRunsAreTheFewestWithAnInterval) {
  const auto two = spread_of(std::vector{0.0, 2.0});  // t(0.975; 1) = 12.7062, deviation root of 2
  ASSERT_TRUE(two.interval);
  EXPECT_NEAR(two.interval->high, 1 + 12.7062047362, 1e-8);
  const auto one = spread_of(std::vector{5.0});
  EXPECT_EQ(one.mean, 5);
  EXPECT_FALSE(one.interval);
  EXPECT_TRUE(std::isnan(spread_of({}).mean));
}

}  // namespace
}  // namespace banter::train
