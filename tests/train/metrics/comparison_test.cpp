#include "train/metrics/statistics/comparison.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/train/metrics/texts.h"

namespace banter::train {
namespace {

class ComparisonTest : public testing::Test {
 protected:
  [[nodiscard]] Measurement measured(const std::vector<Sample>& samples) {
    return measure(samples, tests::plain_metrics(samples), {}, vocabulary_);
  }
  const std::vector<Sample> first_ = tests::made_samples(120, 1, 3);
  const std::vector<Sample> second_ = tests::made_samples(120, 2, 3);
  PieceVocabulary vocabulary_;
};

TEST_F(ComparisonTest, ASystemDoesNotDifferFromItself) {
  const auto one = measured(first_);
  for (const auto test : {PairedTest::kRandomisation, PairedTest::kBootstrap})
    for (const auto& difference : compare(one, one, test, 200)) {
      EXPECT_EQ(difference.difference, 0);
      EXPECT_EQ(difference.p, 1);
    }
}

TEST_F(ComparisonTest, TheRandomisationEqualsSwappingTheRepliesThemselves) {
  constexpr std::size_t kTrials = 60;
  constexpr std::uint64_t kSeed = 5;
  const auto real =
      compare(measured(first_), measured(second_), PairedTest::kRandomisation, kTrials, kSeed);
  std::vector<std::size_t> at_least(real.size());
  for (std::size_t trial = 0; trial < kTrials; ++trial) {
    auto a = first_, b = second_;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (is_swapped(kSeed, trial, a[i].group)) std::swap(a[i].reply, b[i].reply);
    const auto values = measured(a).values(), others = measured(b).values();
    for (std::size_t m = 0; m < real.size(); ++m)
      at_least[m] += std::abs(values[m] - others[m]) >= std::abs(real[m].difference) - 1e-9 ? 1 : 0;
  }
  const auto metrics = tests::plain_metrics(first_);
  for (std::size_t m = 0; m < real.size(); ++m)
    EXPECT_NEAR(real[m].p, static_cast<double>(at_least[m] + 1) / (kTrials + 1), 1e-12)
        << metrics[m]->name;
}

TEST_F(ComparisonTest, PIsTheSameWhicheverSystemComesFirst) {
  const auto one = measured(first_), other = measured(second_);
  const auto there = compare(one, other, PairedTest::kRandomisation, 300);
  const auto back = compare(other, one, PairedTest::kRandomisation, 300);
  for (std::size_t m = 0; m < there.size(); ++m) {
    EXPECT_EQ(there[m].difference, -back[m].difference);
    EXPECT_EQ(there[m].p, back[m].p);
  }
}

TEST_F(ComparisonTest, AClearDifferenceHasTheSmallestP) {
  auto better = first_;
  for (auto& sample : better) sample.reply = sample.references[0];
  for (const auto test : {PairedTest::kRandomisation, PairedTest::kBootstrap}) {
    const auto differences = compare(measured(better), measured(first_), test, 500);
    EXPECT_GT(differences[0].difference, 10) << "bleu";
    EXPECT_NEAR(differences[0].p, 1.0 / 501, 1e-12);
    EXPECT_EQ(differences[0].test, test);
  }
}

TEST_F(ComparisonTest, ChanceAloneGivesSmallPAsRarelyAsItShould) {
  // Systems that differ by nothing but a coin for each group: p is uniform.
  int small = 0;
  constexpr int kPairs = 200;
  for (std::uint64_t pair = 0; pair < kPairs; ++pair) {
    std::vector<std::string> replies, others, references(40, "yes");
    for (std::size_t i = 0; i < references.size(); ++i) {
      const bool coin = base::mix64(base::join_keys(pair, i)) % 2 == 0;
      replies.emplace_back(coin ? "yes" : "no");
      others.emplace_back(coin ? "no" : "yes");
    }
    const auto metrics = metrics_named(std::vector<std::string>{"f1"});
    const auto one = measure(tests::samples_of(replies, references), metrics, {}, vocabulary_);
    const auto other = measure(tests::samples_of(others, references), metrics, {}, vocabulary_);
    small += compare(one, other, PairedTest::kRandomisation, 400, pair).at(0).p <= 0.1 ? 1 : 0;
  }
  EXPECT_LT(small, 34) << "0.1 of them and three standard deviations";
  EXPECT_GT(small, 2);
}

TEST_F(ComparisonTest, TheCentredBootstrapEqualsItsFormula) {
  const auto metrics = metrics_named(std::vector<std::string>{"f1"});
  const auto one = measure(first_, metrics, {}, vocabulary_);
  const auto other = measure(second_, metrics, {}, vocabulary_);
  const auto real = compare(one, other, PairedTest::kBootstrap, 100, 3).at(0);
  std::vector<double> differences;
  for (std::uint64_t r = 0; r < 100; ++r) {
    std::vector<Sample> a, b;
    for_each_drawn(40, 3, r, [&](std::size_t group) {
      for (std::size_t i = 3 * group; i < 3 * group + 3; ++i) {
        a.push_back(first_[i]);
        b.push_back(second_[i]);
      }
    });
    differences.push_back(std::abs(measure(a, metrics, {}, vocabulary_).values()[0] -
                                   measure(b, metrics, {}, vocabulary_).values()[0]));
  }
  double mean = 0;
  for (const double d : differences) mean += d / 100;
  const auto at_least = std::ranges::count_if(
      differences, [&](double d) { return d - mean >= std::abs(real.difference); });
  EXPECT_NEAR(real.p, static_cast<double>(at_least + 1) / 101, 1e-12);
}

TEST_F(ComparisonTest, DiversityIsTestedByRandomisationAlways) {
  const auto metrics = metrics_named(std::vector<std::string>{"distinct_1", "f1"});
  const auto differences =
      compare(measure(first_, metrics, {}, vocabulary_), measure(second_, metrics, {}, vocabulary_),
              PairedTest::kBootstrap, 50);
  EXPECT_EQ(differences[0].test, PairedTest::kBootstrap) << "f1 comes first in the table";
  EXPECT_EQ(differences[1].test, PairedTest::kRandomisation);
}

}  // namespace
}  // namespace banter::train
