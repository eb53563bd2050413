#include "models/decoding/choose.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/random.h"

namespace banter::models {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr double kFloatTolerance = 1e-5;

std::vector<float> logs(const std::vector<double>& probs) {
  std::vector<float> logits;
  for (const double p : probs) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

/// The ids that a draw can give, with their shares, by sweeping the unit interval.
std::map<data::TokenId, double> shares(const std::vector<float>& logits, const Cut& cut) {
  constexpr int kSteps = 4000;
  std::map<data::TokenId, double> found;
  for (int i = 0; i < kSteps; ++i) found[draw(logits, cut, (i + 0.5) / kSteps)] += 1.0 / kSteps;
  return found;
}

std::vector<data::TokenId> ids(const std::map<data::TokenId, double>& found) {
  std::vector<data::TokenId> keys;
  for (const auto& [id, share] : found) keys.push_back(id);
  return keys;
}

using Ids = std::vector<data::TokenId>;

std::vector<float> random_logits(std::size_t size, std::uint64_t key) {
  std::vector<float> logits(size);
  for (std::size_t i = 0; i < size; ++i)
    logits[i] = static_cast<float>(10 * base::to_unit(base::join_keys(key, i)) - 5);
  return logits;
}

TEST(NormTest, MakesLogitsIntoLogProbabilities) {
  const std::vector<float> logits = {2.0F, 1.0F, -1.0F};
  const double sum = std::exp(2.0) + std::exp(1.0) + std::exp(-1.0);
  const auto norm = norm_of(logits);
  for (const float logit : logits)
    EXPECT_NEAR(norm.log_prob(logit), logit - std::log(sum), kFloatTolerance);
}

TEST(NormTest, GivesMaskedLogitsNoShare) {
  const std::vector<float> logits = {kMinusInfinity, 0.0F, 0.0F};
  EXPECT_NEAR(norm_of(logits).log_prob(0.0F), std::log(0.5), kFloatTolerance);
}

TEST(NormTest, RefusesLogitsThatAreNoNumbers) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity()}) {
    for (const std::size_t place : {0U, 7U, 18U}) {
      std::vector<float> logits(19, 1.0F);
      logits[place] = bad;
      EXPECT_THROW(norm_of(logits), base::Error) << bad << " at " << place;
    }
  }
  EXPECT_THROW(norm_of(std::vector<float>(3, kMinusInfinity)), base::Error);
}

TEST(FirstMaxTest, TakesTheLowestIdOfEquals) {
  std::vector<float> logits(40, 0.0F);
  logits[9] = logits[21] = logits[39] = 3.0F;
  EXPECT_EQ(first_max(logits), 9);
  EXPECT_EQ(first_max(std::vector<float>(5, kMinusInfinity)), -1);
}

TEST(HighestTest, EqualsTheFrontOfASortedVocabulary) {
  for (const std::size_t size : {1U, 17U, 256U, 1000U, 4096U}) {
    auto logits = random_logits(size, size);
    for (std::size_t i = 0; i < size; i += 7) logits[i] = std::round(logits[i]);  // many ties
    std::vector<std::size_t> order(size);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](auto a, auto b) { return logits[a] > logits[b]; });
    for (const std::size_t n : {std::size_t{1}, std::size_t{5}, std::size_t{64}, size}) {
      const auto found = highest(logits, n);
      ASSERT_EQ(found.size(), std::min(n, size));
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].id, static_cast<data::TokenId>(order[i]));
        EXPECT_EQ(found[i].logit, logits[order[i]]);
      }
    }
  }
}

TEST(HighestTest, LeavesOutWhatIsForbidden) {
  EXPECT_EQ(highest(std::vector<float>{kMinusInfinity, 1.0F, kMinusInfinity}, 3).size(), 1U);
  EXPECT_TRUE(highest(std::vector<float>{1.0F}, 0).empty());
}

TEST(DrawTest, FollowsTheDistributionWhenNothingIsCut) {
  const auto found = shares(logs({0.1, 0.6, 0.3}), {});
  EXPECT_NEAR(found.at(0), 0.1, 1e-3);
  EXPECT_NEAR(found.at(1), 0.6, 1e-3);
  EXPECT_NEAR(found.at(2), 0.3, 1e-3);
}

TEST(DrawTest, GoesThroughCandidatesFromTheMostProbableOn) {
  const auto logits = logs({0.1, 0.6, 0.3});
  EXPECT_EQ(draw(logits, {}, 0.0), 1);
  EXPECT_EQ(draw(logits, {}, 0.59), 1);
  EXPECT_EQ(draw(logits, {}, 0.61), 2);
  EXPECT_EQ(draw(logits, {}, 0.91), 0);
  EXPECT_EQ(draw(logits, {}, std::nextafter(1.0, 0.0)), 0);
}

TEST(DrawTest, DividesLogitsByTheTemperature) {
  // p^(1/T), normalised: 0.8^2 : 0.2^2 = 16 : 1.
  const auto cold = shares(logs({0.8, 0.2}), {.temperature = 0.5});
  EXPECT_NEAR(cold.at(0), 16.0 / 17, 1e-3);
  const auto hot = shares(logs({0.8, 0.2}), {.temperature = 2});
  EXPECT_NEAR(hot.at(0), 2.0 / 3, 1e-3);
  EXPECT_EQ(ids(shares(logs({0.4, 0.6}), {.temperature = 1e-300})), Ids{1});
}

TEST(DrawTest, KeepsExactlyKOfEqualCandidates) {
  const auto logits = logs({0.1, 0.3, 0.3, 0.3});
  EXPECT_EQ(ids(shares(logits, {.top_k = 1})), Ids{1});
  EXPECT_EQ(ids(shares(logits, {.top_k = 2})), (Ids{1, 2}));
  EXPECT_EQ(ids(shares(logits, {.top_k = 4})), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(ids(shares(logits, {.top_k = 99})), (Ids{0, 1, 2, 3}));
  EXPECT_NEAR(shares(logits, {.top_k = 2}).at(1), 0.5, 1e-3);
}

TEST(DrawTest, KeepsTheSmallestSetWithTheShareP) {
  const auto logits = logs({0.25, 0.5, 0.125, 0.125});
  EXPECT_EQ(ids(shares(logits, {.top_p = 1e-9})), Ids{1});
  EXPECT_EQ(ids(shares(logits, {.top_p = 0.5})), Ids{1});
  EXPECT_EQ(ids(shares(logits, {.top_p = 0.51})), (Ids{0, 1}));
  EXPECT_EQ(ids(shares(logits, {.top_p = 0.75})), (Ids{0, 1}));
  EXPECT_EQ(ids(shares(logits, {.top_p = 0.8})), (Ids{0, 1, 2}));  // the lower id of the equal two
  EXPECT_EQ(ids(shares(logits, {.top_p = 1.0})), (Ids{0, 1, 2, 3}));
}

TEST(DrawTest, TakesTheShareOfWhatTopKLeft) {
  // Of 0.5 and 0.25 alone the first has two thirds.
  const auto logits = logs({0.25, 0.5, 0.125, 0.125});
  EXPECT_EQ(ids(shares(logits, {.top_k = 2, .top_p = 0.66})), Ids{1});
  EXPECT_EQ(ids(shares(logits, {.top_k = 2, .top_p = 0.67})), (Ids{0, 1}));
}

TEST(DrawTest, KeepsWhatIsAsSurprisingAsExpected) {
  // Entropy 1.21 nats; distances: 0.25 -> 0.17, 0.5 -> 0.52, both 0.125 -> 0.87.
  const auto logits = logs({0.25, 0.5, 0.125, 0.125});
  EXPECT_EQ(ids(shares(logits, {.typical_p = 1e-9})), Ids{0});
  EXPECT_EQ(ids(shares(logits, {.typical_p = 0.25})), Ids{0});
  EXPECT_EQ(ids(shares(logits, {.typical_p = 0.26})), (Ids{0, 1}));
  EXPECT_EQ(ids(shares(logits, {.typical_p = 0.75})), (Ids{0, 1}));
  EXPECT_EQ(ids(shares(logits, {.typical_p = 0.8})), (Ids{0, 1, 2}));  // the lower id of the two
  EXPECT_EQ(ids(shares(logits, {.typical_p = 1.0})), (Ids{0, 1, 2, 3}));
  const auto kept = shares(logits, {.typical_p = 0.75});
  EXPECT_NEAR(kept.at(0), 1.0 / 3, 1e-3);
  EXPECT_NEAR(kept.at(1), 2.0 / 3, 1e-3);
  EXPECT_EQ(draw(logits, {.typical_p = 0.75}, 0.0), 1) << "from the most probable on";
}

TEST(DrawTest, TakesTheEntropyOfWhatTopKAndTopPLeft) {
  // All: the nearest to the entropy (1.09) is 0.25. The first two alone (0.7 and 0.3, 0.61): 0.7.
  const auto logits = logs({0.6, 0.25, 0.1, 0.05});
  EXPECT_EQ(ids(shares(logits, {.typical_p = 0.1})), Ids{1});
  EXPECT_EQ(ids(shares(logits, {.top_k = 2, .typical_p = 0.1})), Ids{0});
  EXPECT_EQ(ids(shares(logits, {.top_p = 0.8, .typical_p = 0.1})), Ids{0});
}

TEST(DrawTest, ReachesTheLastOfManyCandidates) {
  const std::vector<float> flat(3000, 0.5F);
  EXPECT_EQ(draw(flat, {}, 0.0), 0);
  EXPECT_EQ(draw(flat, {}, 1500.5 / 3000), 1500);
  EXPECT_EQ(draw(flat, {}, std::nextafter(1.0, 0.0)), 2999);
}

TEST(DrawTest, NeverGivesWhatIsForbidden) {
  std::vector<float> logits(100, kMinusInfinity);
  EXPECT_EQ(draw(logits, {}, 0.3), -1);
  logits[42] = -30.0F;
  for (const double unit : {0.0, 0.5, std::nextafter(1.0, 0.0)}) {
    EXPECT_EQ(draw(logits, {}, unit), 42);
    EXPECT_EQ(draw(logits, {.temperature = 0.1, .top_k = 3, .top_p = 0.5}, unit), 42);
    EXPECT_EQ(draw(logits, {.typical_p = 0.5}, unit), 42);
  }
}

}  // namespace
}  // namespace banter::models
