#include "train/metrics/likelihoods/rises.h"

#include <sstream>

#include <gtest/gtest.h>

namespace banter::train {
namespace {

Likelihood dialogue(double nll, double words) { return {.nll = nll, .words = words, .replies = 1}; }

TEST(RisesTest, IsTheDifferenceOfTheMeansAWord) {
  const std::vector<Likelihood> plain = {dialogue(6, 2), dialogue(4, 3)};
  const std::vector<Likelihood> altered = {dialogue(8, 2), dialogue(7, 3)};
  const Rise rise("perturb_x", plain, altered, "how");
  EXPECT_DOUBLE_EQ(rise.value, (15.0 - 10.0) / 5);
  EXPECT_DOUBLE_EQ(rise.nll_word, 3);
  EXPECT_EQ(rise.words, 5);
  EXPECT_EQ(rise.signature, "perturb_x|how");
}

TEST(RisesTest, BothSidesAreDrawnTogether) {
  // Every dialogue rises by one nat a word, however different they are among themselves.
  std::vector<Likelihood> plain, altered;
  for (int i = 0; i < 30; ++i) {
    plain.push_back(dialogue(100.0 * i, 10));
    altered.push_back(dialogue(100.0 * i + 10, 10));
  }
  const Rise rise("perturb_x", plain, altered, "");
  EXPECT_NEAR(rise.interval.low, 1, 1e-9);
  EXPECT_NEAR(rise.interval.high, 1, 1e-9);
}

TEST(RisesTest, JsonAndTableHaveTheSame) {
  const std::vector<Rise> rises = {Rise("perturb_x", std::vector{dialogue(2, 2), dialogue(2, 2)},
                                        std::vector{dialogue(3, 2), dialogue(3, 2)}, "seed:1")};
  const auto json = to_json(rises);
  EXPECT_EQ(json.at("perturb_x").at("value").as_double(), 0.5);
  EXPECT_EQ(json.at("perturb_x").at("nll_word").as_double(), 1.5);
  EXPECT_EQ(json.at("perturb_x").at("signature").as_string(), "perturb_x|seed:1");
  std::ostringstream table;
  print(table, rises);
  EXPECT_NE(table.str().find("perturb_x  0.5000  [0.5000, 0.5000]  1.500"), std::string::npos)
      << table.str();
}

}  // namespace
}  // namespace banter::train
