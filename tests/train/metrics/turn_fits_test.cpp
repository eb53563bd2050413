#include "train/metrics/likelihoods/turn_fits.h"

#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

namespace banter::train {
namespace {

Likelihood reply(double nll, double labels) { return {.nll = nll, .labels = labels, .replies = 1}; }

TEST(TurnFitsTest, SumsOfAPlaceMakeItsPerplexity) {
  TurnSums sums(3);
  sums.add(0, 1, reply(2, 4));
  sums.add(2, 1, reply(6, 2));
  sums.add(2, 3, reply(1, 1));
  const auto fits = sums.fits();
  ASSERT_EQ(fits.size(), 2U) << "places without a reply are left out";
  EXPECT_EQ(fits[0].name, "ppl_turn_2") << "the second turn of a dialogue";
  EXPECT_DOUBLE_EQ(fits[0].ppl, std::exp(8.0 / 6));
  EXPECT_EQ(fits[0].labels, 6U);
  EXPECT_EQ(fits[0].replies, 2U);
  EXPECT_NEAR(fits[0].interval.low, std::exp(2.0 / 4), 1e-9) << "one dialogue alone";
  EXPECT_NEAR(fits[0].interval.high, std::exp(6.0 / 2), 1e-9);
  EXPECT_EQ(fits[1].name, "ppl_turn_4");
  EXPECT_TRUE(std::isnan(fits[1].interval.low)) << "some draws have no reply there";
}

TEST(TurnFitsTest, LateTurnsStandTogether) {
  TurnSums sums(1);
  for (const std::uint32_t turn : {8U, 9U, 10U, 5000U}) sums.add(0, turn, reply(1, 1));
  const auto fits = sums.fits();
  ASSERT_EQ(fits.size(), 2U);
  EXPECT_EQ(fits[0].name, "ppl_turn_9");
  EXPECT_EQ(fits[1].name, "ppl_turn_10+");
  EXPECT_EQ(fits[1].replies, 3U);
}

TEST(TurnFitsTest, DialoguesWithoutAReplyAreNotDrawn) {
  TurnSums few(2), many(100);
  for (auto* sums : {&few, &many}) {
    sums->add(0, 1, reply(2, 1));
    sums->add(1, 1, reply(4, 1));
  }
  EXPECT_EQ(few.fits()[0].interval.low, many.fits()[0].interval.low);
  EXPECT_EQ(few.fits()[0].interval.high, many.fits()[0].interval.high);
}

TEST(TurnFitsTest, JsonAndTableHaveTheSame) {
  TurnSums sums(2);
  sums.add(0, 1, reply(0, 1));
  sums.add(1, 1, reply(0, 2));
  const auto fits = sums.fits();
  const auto json = to_json(fits);
  EXPECT_EQ(json.at("ppl_turn_2").at("value").as_double(), 1);
  EXPECT_EQ(json.at("ppl_turn_2").at("count").to_number<int>(), 3);
  EXPECT_EQ(json.at("ppl_turn_2").at("replies").to_number<int>(), 2);
  std::ostringstream table;
  print(table, fits);
  EXPECT_NE(table.str().find("ppl_turn_2  1.00   [1.00, 1.00]   2"), std::string::npos)
      << table.str();
}

}  // namespace
}  // namespace banter::train
