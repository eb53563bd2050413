#include "train/metrics/likelihoods/likelihood_files.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "train/metrics/likelihoods/likelihood_measurement.h"
#include "train/metrics/statistics/comparison.h"
#include "train/metrics/statistics/interval.h"

namespace banter::train {
namespace {

ReplyLikelihood reply(std::uint64_t dialogue, std::uint32_t turn, double nll) {
  return {.dialogue = dialogue,
          .turn = turn,
          .group = dialogue,
          .sums = {.nll = nll, .labels = 4, .correct = 1, .words = 3, .bytes = 11, .replies = 1}};
}

std::vector<const Metric*> all_metrics() {
  std::vector<const Metric*> metrics;
  for (const auto& metric : metrics_of_likelihoods()) metrics.push_back(&metric);
  return metrics;
}

TEST(LikelihoodFilesTest, WhatADivergedModelScoresIsRefused) {
  const tests::TemporaryFolder folder;
  for (const double nll : {std::nan(""), HUGE_VAL})
    EXPECT_THROW(write_likelihoods(folder / "l.jsonl", {reply(0, 1, 2), reply(3, 1, nll)}),
                 base::DataError);
  EXPECT_FALSE(std::filesystem::exists(folder / "l.jsonl"));
}

TEST(LikelihoodFilesTest, AreReadBackInTheOrderOfTheSplit) {
  const tests::TemporaryFolder folder;
  auto bound = reply(1, 2, 0.1);
  bound.sums.bound = 7.25;
  write_likelihoods(folder / "l.jsonl", {bound, reply(0, 3, 1.0 / 3), reply(0, 1, 2)});
  const auto replies = read_likelihoods(folder / "l.jsonl");
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(replies[0].turn, 1U);
  EXPECT_EQ(replies[1].sums.nll, 1.0 / 3);
  EXPECT_EQ(replies[1].sums.replies, 1);
  EXPECT_EQ(replies[2].dialogue, 1U);
  EXPECT_EQ(replies[2].sums.bound, 7.25);
  const auto groups = by_group(replies);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_NEAR(groups[0].nll, 2 + 1.0 / 3, 1e-15);
  EXPECT_EQ(groups[0].labels, 8);
}

TEST(LikelihoodFilesTest, DialoguesOfOneGroupAreSummedTogether) {
  const tests::TemporaryFolder folder;
  auto other_side = reply(7, 2, 3);
  other_side.group = 0;
  write_likelihoods(folder / "l.jsonl", {other_side, reply(4, 1, 5), reply(0, 1, 2)});
  const auto replies = read_likelihoods(folder / "l.jsonl");
  EXPECT_EQ(replies.at(2).dialogue, 7U);
  EXPECT_EQ(replies.at(2).group, 0U);
  const auto groups = by_group(replies);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].nll, 5);
  EXPECT_EQ(groups[0].replies, 2);
  EXPECT_EQ(groups[1].nll, 5);
  EXPECT_FALSE(
      are_same_replies(replies, std::vector{reply(0, 1, 2), reply(4, 1, 5), reply(7, 2, 3)}))
      << "with other groups they cannot be swapped together";
}

TEST(LikelihoodFilesTest, AFaultIsToldWithItsLine) {
  const tests::TemporaryFolder folder;
  base::write_durably(folder / "l.jsonl",
                      "{\"dialogue\": 0, \"turn\": 1, \"nll\": 2, \"labels\": 1, \"correct\": 0, "
                      "\"words\": 1, \"bytes\": 1}\n{\"dialogue\": 0, \"turn\": 2}\n");
  try {
    read_likelihoods(folder / "l.jsonl");
    FAIL() << "it was read";
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("l.jsonl:2: field \"nll\" is missing"),
              std::string::npos)
        << error.what();
  }
}

TEST(LikelihoodFilesTest, OtherRepliesAreTold) {
  const std::vector some = {reply(0, 1, 1), reply(0, 2, 1)},
                    same = {reply(0, 1, 5), reply(0, 2, 6)};
  EXPECT_TRUE(are_same_replies(some, same));
  EXPECT_FALSE(are_same_replies(some, std::vector{reply(0, 1, 1), reply(1, 2, 1)}));
  EXPECT_FALSE(are_same_replies(some, std::vector{reply(0, 1, 1)}));
}

TEST(LikelihoodMeasurementTest, HasTheValuesAndIntervalsOfTheSums) {
  std::vector<Likelihood> groups;
  for (int i = 0; i < 30; ++i) groups.push_back(reply(0, 1, 5 + i % 7).sums);
  const auto measured = measure_likelihoods(groups, all_metrics());
  const auto sum = total(groups);
  const auto values = measured.values();
  EXPECT_DOUBLE_EQ(values[0], sum.ppl());
  EXPECT_DOUBLE_EQ(values[1], sum.ppl_word());
  EXPECT_DOUBLE_EQ(values[4], sum.token_accuracy());
  EXPECT_TRUE(std::isnan(values[5])) << "there is no bound";
  EXPECT_EQ(measured.replies, 30U);
  std::vector<double> drawn;
  for (const auto& draw : resample(groups)) drawn.push_back(draw.ppl());
  const auto wanted = percentile_interval(std::move(drawn));
  EXPECT_NEAR(measured.intervals()[0]->low, wanted.low, 1e-9);
  EXPECT_NEAR(measured.intervals()[0]->high, wanted.high, 1e-9);
}

TEST(CompareRunsTest, OneRunIsTheComparisonOfTwoSystems) {
  std::vector<Likelihood> one, other;
  for (int i = 0; i < 40; ++i) {
    one.push_back(reply(0, 1, 5 + i % 5).sums);
    other.push_back(reply(0, 1, 5.2 + i % 3).sums);
  }
  const auto first = measure_likelihoods(one, all_metrics());
  const auto second = measure_likelihoods(other, all_metrics());
  const auto alone = compare(first, second, PairedTest::kRandomisation, 500);
  const auto runs = compare_runs(std::vector{first}, std::vector{second}, 500);
  for (std::size_t m = 0; m < 5; ++m) {
    EXPECT_DOUBLE_EQ(runs[m].difference, alone[m].difference) << m;
    EXPECT_EQ(runs[m].p, alone[m].p) << m;
  }
}

TEST(CompareRunsTest, DifferencesThatTurnRoundWithTheSeedCancel) {
  // Each run differs from its partner clearly, in opposite directions: the mean does not.
  std::vector<Likelihood> low, high;
  for (int i = 0; i < 40; ++i) {
    low.push_back(reply(0, 1, 4 + i % 3).sums);
    high.push_back(reply(0, 1, 6 + i % 3).sums);
  }
  const std::vector<const Metric*> metrics = {metrics_of_likelihoods().data() + 2};  // nll_word
  const auto below = measure_likelihoods(low, metrics), above = measure_likelihoods(high, metrics);
  EXPECT_LT(compare_runs(std::vector{below}, std::vector{above}, 500)[0].p, 0.01);
  const auto both = compare_runs(std::vector{below, above}, std::vector{above, below}, 500)[0];
  EXPECT_NEAR(both.difference, 0, 1e-12);
  EXPECT_EQ(both.p, 1);
  // Two runs that agree: as clear as one, the mean of both.
  const auto agreed = compare_runs(std::vector{below, below}, std::vector{above, above}, 500)[0];
  EXPECT_NEAR(agreed.difference, -2.0 / 3, 1e-12) << "2 nats more over 3 words";
  EXPECT_LT(agreed.p, 0.01);
}

TEST(CompareRunsTest, EqualsSwappingByHand) {
  // Three dialogues, two runs of each system, nll 3 words each: all eight swaps are known, and a
  // trial is one of them, the same for both runs.
  const auto make = [](std::initializer_list<double> nlls) {
    std::vector<Likelihood> groups;
    for (const double nll : nlls) groups.push_back(reply(0, 1, nll).sums);
    return measure_likelihoods(groups, {metrics_of_likelihoods().data() + 2});
  };
  const std::vector first = {make({1, 2, 6}), make({2, 2, 9})};
  const std::vector second = {make({4, 3, 3}), make({6, 1, 5})};
  constexpr std::size_t kTrials = 300;
  constexpr std::uint64_t kSeed = 9;
  const double changes[] = {(3.0 + 4) / 2, (1.0 - 1) / 2, (-3.0 - 4) / 2};  // second - first, mean
  const double real = -(changes[0] + changes[1] + changes[2]) / 9;
  std::size_t at_least = 0;
  for (std::size_t trial = 0; trial < kTrials; ++trial) {
    double difference = 0;
    for (std::size_t g = 0; g < 3; ++g)
      difference += (is_swapped(kSeed, trial, g) ? changes[g] : -changes[g]) / 9;
    at_least += std::abs(difference) >= std::abs(real) - 1e-9 ? 1 : 0;
  }
  const auto got = compare_runs(first, second, kTrials, kSeed).at(0);
  EXPECT_NEAR(got.difference, real, 1e-12);
  EXPECT_NEAR(got.p, static_cast<double>(at_least + 1) / (kTrials + 1), 1e-12);
}

}  // namespace
}  // namespace banter::train
