#include "train/metrics/statistics/interval.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/train/metrics/texts.h"

namespace banter::train {
namespace {

TEST(PercentileTest, PointsAreInterpolated) {
  std::vector<double> values(101);
  std::iota(values.rbegin(), values.rend(), 0.0);
  EXPECT_NEAR(percentile_interval(values).low, 2.5, 1e-12);
  EXPECT_NEAR(percentile_interval(values).high, 97.5, 1e-12);
  EXPECT_EQ(percentile_interval({4.0}).high, 4.0);
  EXPECT_TRUE(std::isnan(percentile_interval({1.0, std::nan("")}).low));
}

TEST(JackknifeTest, ByHand) {
  // 20 replies, each a word of its own but the last two, which are equal: 19 of 20 are different.
  // Without one of the 18 it is 18/19, without one of the two 19/19.
  std::vector<std::string> replies;
  for (int i = 0; i < 19; ++i) replies.push_back("w" + std::to_string(i));
  replies.push_back(replies.back());
  PieceVocabulary vocabulary;
  const auto measured =
      measure(tests::samples_of(replies, replies),
              metrics_named(std::vector<std::string>{"distinct_1"}), {}, vocabulary);
  const double some = 18.0 / 19, mean = (18 * some + 2) / 20;
  const double square = 18 * (some - mean) * (some - mean) + 2 * (1 - mean) * (1 - mean);
  const double half = 2.0930240544 * std::sqrt(19.0 / 20 * square);
  const auto interval = measured.intervals().at(0);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, 0.95 - half, 1e-12);
  EXPECT_NEAR(interval->high, 0.95 + half, 1e-12);
}

TEST(JackknifeTest, BlocksAreOfGroupsAndEachMustBeFilled) {
  auto samples = tests::made_samples(100, 1);
  PieceVocabulary vocabulary;
  const auto metrics = metrics_named(std::vector<std::string>{"distinct_1", "entropy_2"});
  EXPECT_TRUE(measure(samples, metrics, {}, vocabulary).intervals().at(0));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].group = i % 19;
  for (const auto& interval : measure(samples, metrics, {}, vocabulary).intervals())
    EXPECT_FALSE(interval);
}

TEST(IntervalTest, HoldsTheEstimateOfEveryMetric) {
  const auto samples = tests::made_samples(300, 1, 3);
  PieceVocabulary vocabulary;
  const auto measured = measure(samples, tests::plain_metrics(samples), {}, vocabulary);
  const auto values = measured.values();
  const auto intervals = measured.intervals();
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_TRUE(intervals[i]) << measured.metrics[i]->name;
    EXPECT_LE(intervals[i]->low, values[i]) << measured.metrics[i]->name;
    EXPECT_GE(intervals[i]->high, values[i]) << measured.metrics[i]->name;
    const bool is_one_point = intervals[i]->low == intervals[i]->high;
    EXPECT_EQ(is_one_point, values[i] == 0) << measured.metrics[i]->name;
  }
}

TEST(IntervalTest, ASingleGroupHasNone) {
  auto samples = tests::golden_samples();
  for (auto& sample : samples) sample.group = 7;
  PieceVocabulary vocabulary;
  const auto metrics = tests::plain_metrics(samples);
  const auto intervals = measure(samples, metrics, {}, vocabulary).intervals(20);
  for (std::size_t m = 0; m < metrics.size(); ++m)
    EXPECT_TRUE(!intervals[m] || std::isnan(intervals[m]->low)) << metrics[m]->name;
}

TEST(IntervalTest, DrawsAreOfWholeGroups) {
  // Two groups, all of the one alike: a draw has one, the other or both, and nothing between.
  std::vector<std::string> replies, references;
  for (int i = 0; i < 40; ++i) {
    replies.emplace_back("yes");
    references.emplace_back(i < 20 ? "yes" : "no");
  }
  auto samples = tests::samples_of(replies, references);
  PieceVocabulary vocabulary;
  const auto metrics = metrics_named(std::vector<std::string>{"f1"});
  const auto alone = measure(samples, metrics, {}, vocabulary).intervals().at(0);
  EXPECT_GT(alone->low, 0.2);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].group = i / 20;
  const auto grouped = measure(samples, metrics, {}, vocabulary).intervals().at(0);
  EXPECT_EQ(grouped->low, 0);
  EXPECT_EQ(grouped->high, 1);
}

TEST(IntervalTest, EqualsDrawsMadeReplyByReply) {
  const auto samples = tests::made_samples(60, 1);
  PieceVocabulary vocabulary;
  const auto metrics = metrics_named(std::vector<std::string>{"bleu"});
  std::vector<double> values;
  for (std::uint64_t r = 0; r < 100; ++r) {
    std::vector<Sample> drawn;
    for_each_drawn(samples.size(), 7, r, [&](std::size_t i) { drawn.push_back(samples[i]); });
    values.push_back(measure(drawn, metrics, {}, vocabulary).values().at(0));
  }
  const auto wanted = percentile_interval(values);
  const auto interval = measure(samples, metrics, {}, vocabulary).intervals(100, 7).at(0);
  EXPECT_NEAR(interval->low, wanted.low, 1e-9);
  EXPECT_NEAR(interval->high, wanted.high, 1e-9);
}

}  // namespace
}  // namespace banter::train
