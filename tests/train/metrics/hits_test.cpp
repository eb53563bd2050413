#include "train/metrics/likelihoods/hits.h"

#include <sstream>

#include <gtest/gtest.h>

namespace banter::train {
namespace {

const std::vector<unsigned> kOneAndTwo = {1, 2};

TEST(HitsTest, TiesCountAgainstTheTrueReply) {
  EXPECT_EQ(rank_of(std::vector{-1.0, -2.0, -3.0}, 0), 1U);
  EXPECT_EQ(rank_of(std::vector{-3.0, -2.0, -1.0}, 0), 3U);
  EXPECT_EQ(rank_of(std::vector{-2.0, -2.0, -1.0, -2.0}, 1), 4U);
  EXPECT_EQ(rank_of(std::vector{-2.0}, 0), 1U);
}

TEST(HitsTest, ByHandWithChance) {
  const std::vector<Rank> ranks = {{.group = 0, .rank = 1, .candidates = 4},
                                   {.group = 0, .rank = 2, .candidates = 4},
                                   {.group = 1, .rank = 3, .candidates = 4},
                                   {.group = 1, .rank = 1, .candidates = 2},
                                   {.group = 2, .rank = 2, .candidates = 2}};
  const Ranking ranking(ranks, kOneAndTwo, "how");
  ASSERT_EQ(ranking.hits.size(), 2U);
  EXPECT_DOUBLE_EQ(ranking.hits[0].value, 2.0 / 5);
  EXPECT_DOUBLE_EQ(ranking.hits[1].value, 4.0 / 5);
  EXPECT_DOUBLE_EQ(ranking.hits[0].chance, (3 * 0.25 + 2 * 0.5) / 5);
  EXPECT_DOUBLE_EQ(ranking.hits[1].chance, (3 * 0.5 + 2 * 1.0) / 5);
  EXPECT_DOUBLE_EQ(Ranking(ranks, std::vector{3U}, "").hits[0].chance, (3 * 0.75 + 2 * 1.0) / 5)
      << "of two candidates the first three are both";
  EXPECT_DOUBLE_EQ(ranking.mean_candidates, 16.0 / 5);
  EXPECT_EQ(ranking.fewest_candidates, 2U);
  EXPECT_EQ(ranking.most_candidates, 4U);
  EXPECT_EQ(ranking.signature,
            "how|ties:against|candidates:2-4|replies:5|interval:bootstrap-group-1000-12345|version:"
            "banter-" BANTER_VERSION);
  for (const auto& hits : ranking.hits) {
    EXPECT_LE(hits.interval.low, hits.value);
    EXPECT_GE(hits.interval.high, hits.value);
  }
}

TEST(HitsTest, IntervalsAreDrawnOverGroups) {
  // One dialogue of replies that all hit and one of replies that all miss: a draw of two groups
  // has 0, 1/2 or 1, and so the interval is all there is.
  std::vector<Rank> ranks;
  for (std::uint64_t i = 0; i < 100; ++i)
    ranks.push_back({.group = i % 2, .rank = i % 2 == 0 ? 1U : 9U, .candidates = 10});
  const Ranking together(ranks, kOneAndTwo, "");
  EXPECT_EQ(together.hits[0].interval.low, 0);
  EXPECT_EQ(together.hits[0].interval.high, 1);
  for (std::uint64_t i = 0; i < 100; ++i) ranks[i].group = i;
  const Ranking apart(ranks, kOneAndTwo, "");
  EXPECT_EQ(apart.hits[0].value, together.hits[0].value);
  EXPECT_GT(apart.hits[0].interval.low, 0.35);
  EXPECT_LT(apart.hits[0].interval.high, 0.65);
}

TEST(HitsTest, JsonAndTableHaveTheSame) {
  const std::vector<Rank> ranks = {{.group = 0, .rank = 1, .candidates = 10},
                                   {.group = 1, .rank = 2, .candidates = 10}};
  const Ranking ranking(ranks, kOneAndTwo, "rank_score:mean");
  const auto json = ranking.to_json();
  EXPECT_EQ(json.at("hits_1").at("value").as_double(), 0.5);
  EXPECT_EQ(json.at("hits_1").at("chance").as_double(), 0.1);
  EXPECT_EQ(json.at("hits_2").at("count").to_number<int>(), 2);
  EXPECT_EQ(json.at("candidates").at("mean").as_double(), 10);
  std::ostringstream table;
  ranking.print(table);
  for (const auto* word : {"2 replies, each among 10.0 candidates (10 to 10)", "hits_1  0.5000",
                           "0.1000", "hits_2|rank_score:mean|ties:against|"})
    EXPECT_NE(table.str().find(word), std::string::npos) << table.str();
}

}  // namespace
}  // namespace banter::train
