#include "models/decoding/reranking.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "configs/section.h"

namespace banter::models {
namespace {

Reply reply(const std::vector<float>& log_probs, double score) {
  Reply made;
  made.ids.assign(log_probs.size() - 1, 7);
  made.log_probs = log_probs;
  made.score = score;
  return made;
}

TEST(RerankingTest, SortsByTheMeanLogProbability) {
  std::vector<Reply> replies = {reply({-1, -3}, -0.5), reply({-1, -1, -1}, -3)};
  rerank(reranker_named("mean_log_prob"), {}, replies);
  EXPECT_EQ(replies[0].log_probs.size(), 3U);
  EXPECT_EQ(replies[0].rerank_score, -1.0);
  EXPECT_EQ(replies[1].rerank_score, -2.0);
}

TEST(RerankingTest, ReadsTheContextAndKeepsTheOrderOfEquals) {
  const data::Context context{.turns = {{.ids = {1, 2}}}};
  std::vector<Reply> replies = {reply({-1, -1}, 0), reply({-2, -1}, -1), reply({-3, -1}, -2)};
  rerank(
      [](const data::Context& given, std::span<const Reply> all) {
        std::vector<double> scores(all.size(), 0);
        scores.back() = static_cast<double>(given.turns[0].ids.size());
        return scores;
      },
      context, replies);
  EXPECT_EQ(replies[0].score, -2);
  EXPECT_EQ(replies[0].rerank_score, 2.0);
  EXPECT_EQ(replies[1].score, 0);
  EXPECT_EQ(replies[2].score, -1);
}

TEST(RerankingTest, NamesItsRowsAndNoneIsNoReranker) {
  const auto names = reranker_names();
  EXPECT_EQ(names.front(), "none");
  EXPECT_FALSE(reranker_named("none"));
  EXPECT_TRUE(reranker_named("mean_log_prob"));
  EXPECT_NE(std::ranges::find(names, "mean_log_prob"), names.end());
}

TEST(RerankingTest, ConsistencyNeedsAJudgeOfTheRequest) {
  const auto names = reranker_names();
  EXPECT_NE(std::ranges::find(names, kConsistency), names.end());
  EXPECT_THROW(reranker_named(kConsistency), configs::ConfigError);
}

TEST(RerankingTest, RefusesWhatIsNoNumber) {
  std::vector<Reply> replies = {reply({-1}, 0)};
  EXPECT_THROW(rerank([](const auto&, auto) { return std::vector<double>{}; }, {}, replies),
               base::Error);
  EXPECT_THROW(rerank([](const auto&, auto) { return std::vector{std::nan("")}; }, {}, replies),
               base::Error);
}

}  // namespace
}  // namespace banter::models
