#include "models/decoding/search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/random.h"
#include "tests/decoding/markov.h"

namespace banter::models {
namespace {

constexpr double kFloatTolerance = 1e-5;
constexpr data::TokenId kEos = 1;
using Ids = std::vector<data::TokenId>;

/// Greedy takes 2 (0.6) and is then left with 0.4 * 0.5; the best reply is 3, end: 0.4 * 0.9.
const Markov kTrap = {{{0, 0, 0.6, 0.4},  // bos
                       {1, 0, 0, 0},      // eos, never read
                       {0, 0.4, 0.3, 0.3},
                       {0, 0.9, 0.05, 0.05}}};

/// Random transitions between `words` words.
Markov random_language(std::size_t words, std::uint64_t key) {
  Markov language;
  for (std::size_t row = 0; row < words + 2; ++row) {
    std::vector<double> probs(words + 2, 0);
    double sum = 0;
    for (std::size_t to = 1; to < words + 2; ++to)
      sum += probs[to] = std::exp(3 * base::to_unit(base::join_keys(key, 100 * row + to)));
    for (auto& p : probs) p /= sum;
    language.probs.push_back(probs);
  }
  return language;
}

/// Every reply of at most `max_length` tokens with its score, by trying all of them.
std::map<Ids, double> all_replies(const Markov& language, std::int64_t max_length, double penalty) {
  std::map<Ids, double> scores;
  const std::function<void(Ids, double)> grow = [&](const Ids& ids, double sum) {
    const auto last = ids.empty() ? 0 : ids.back();
    const auto length = static_cast<double>(ids.size());
    if (last == kEos || static_cast<std::int64_t>(ids.size()) == max_length) {
      scores[ids] = sum / std::pow(length, penalty);
      return;
    }
    for (std::size_t id = 1; id < language.probs.size(); ++id) {
      const double p = language.probs[static_cast<std::size_t>(last)][id];
      if (p == 0 || (ids.empty() && id == kEos)) continue;  // min_new_tokens is 1
      auto longer = ids;
      longer.push_back(static_cast<data::TokenId>(id));
      grow(longer, sum + std::log(p));
    }
  };
  grow({}, 0);
  return scores;
}

Ids with_end(const Reply& reply) {
  auto ids = reply.ids;
  if (reply.finish == "eos") ids.push_back(kEos);
  return ids;
}

TEST(SingleSearchTest, GreedyFollowsTheMostProbableToken) {
  const auto replies = run_search(kTrap, {.method = "greedy"});
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].ids, Ids{2});
  EXPECT_EQ(replies[0].finish, "eos");
  ASSERT_EQ(replies[0].log_probs.size(), 2U);
  EXPECT_NEAR(replies[0].log_probs[0], std::log(0.6), kFloatTolerance);
  EXPECT_NEAR(replies[0].log_probs[1], std::log(0.4), kFloatTolerance);
  EXPECT_NEAR(replies[0].score, (std::log(0.6) + std::log(0.4)) / 2, kFloatTolerance);
}

TEST(SingleSearchTest, EndsAtTheMaximumLength) {
  const auto replies =
      run_search(kTrap, {.method = "greedy", .min_new_tokens = 3, .max_new_tokens = 3});
  EXPECT_EQ(replies[0].ids.size(), 3U);
  EXPECT_EQ(replies[0].log_probs.size(), 3U);
  EXPECT_EQ(replies[0].finish, "length");
}

TEST(SingleSearchTest, KeepsTheMinimumLength) {
  const auto replies = run_search(kTrap, {.method = "greedy", .min_new_tokens = 4});
  EXPECT_EQ(replies[0].ids, (Ids{2, 2, 2, 2}));
}

TEST(SingleSearchTest, RepeatsNoNGram) {
  const auto replies = run_search(
      kTrap,
      {.method = "greedy", .min_new_tokens = 5, .max_new_tokens = 5, .no_repeat_ngram_size = 2});
  EXPECT_EQ(replies[0].ids, (Ids{2, 2, 3, 2}));  // only 2 2, 2 3, 3 2, 3 3 are left to use once
}

TEST(SingleSearchTest, EndsWhereNothingMayFollow) {
  const auto replies =
      run_search(kTrap, {.method = "greedy", .min_new_tokens = 60, .no_repeat_ngram_size = 1});
  EXPECT_EQ(replies[0].ids, (Ids{2, 3}));
  EXPECT_EQ(replies[0].finish, "length");
}

TEST(SingleSearchTest, SamplesByProbability) {
  // Chi-square over the first token with 1 degree of freedom: 10.83 is passed once in 1000 seeds.
  constexpr int kReplies = 4000;
  const auto replies =
      run_search(kTrap, {.method = "sample", .max_new_tokens = 1, .seed = 5, .replies = kReplies});
  double twos = 0;
  for (const auto& reply : replies) twos += reply.ids[0] == 2;
  const double expected = 0.6 * kReplies;
  const double chi_square = std::pow(twos - expected, 2) / expected +
                            std::pow(twos - expected, 2) / (kReplies - expected);
  EXPECT_LT(chi_square, 10.83);
}

TEST(SingleSearchTest, SamplesFollowTheSeedAndTheReplyAlone) {
  const auto language = random_language(6, 3);
  const auto sample = [&](std::uint64_t seed, std::int64_t replies) {
    std::vector<Ids> found;
    for (auto& reply : run_search(language, {.method = "sample", .seed = seed, .replies = replies}))
      found.push_back(with_end(reply));
    return found;
  };
  EXPECT_EQ(sample(1, 1), sample(1, 1));
  EXPECT_NE(sample(1, 1), sample(2, 1));
  const auto five = sample(1, 5);
  EXPECT_TRUE(std::ranges::count(five, sample(1, 1)[0])) << "more replies changed the first draw";
  EXPECT_NE(five[0], five[1]);
}

TEST(SingleSearchTest, ReportsLogProbabilitiesOfTheWholeDistribution) {
  const auto replies =
      run_search(kTrap, {.method = "sample", .temperature = 0.1, .top_k = 1, .max_new_tokens = 1});
  EXPECT_NEAR(replies[0].log_probs[0], std::log(0.6), kFloatTolerance);
}

TEST(SingleSearchTest, RefusesLogitsThatAreNoNumbers) {
  const auto search = make_search({}, Markov::special());
  std::vector<float> logits(4, std::numeric_limits<float>::quiet_NaN());
  const std::vector<ScoredRow> rows = {{.logits = logits, .attention = nullptr}};
  EXPECT_THROW(search->advance(rows), base::Error);
}

TEST(BeamSearchTest, FindsTheBestReplyThatGreedyMisses) {
  const auto replies = run_search(kTrap, {.method = "beam", .beam_size = 2, .length_penalty = 0});
  EXPECT_EQ(replies[0].ids, Ids{3});
  EXPECT_NEAR(replies[0].score, std::log(0.4 * 0.9), kFloatTolerance);
  ASSERT_EQ(replies[0].log_probs.size(), 2U);
  EXPECT_NEAR(replies[0].log_probs[1], std::log(0.9), kFloatTolerance);
}

TEST(BeamSearchTest, ABeamOfOneIsGreedy) {
  for (std::uint64_t key = 0; key < 20; ++key) {
    const auto language = random_language(8, key);
    const auto greedy = run_search(language, {.method = "greedy"});
    const auto beam = run_search(language, {.method = "beam", .beam_size = 1});
    EXPECT_EQ(beam[0].ids, greedy[0].ids);
    EXPECT_EQ(beam[0].log_probs, greedy[0].log_probs);
  }
}

TEST(BeamSearchTest, ABeamThatHoldsEverythingEqualsTryingAll) {
  constexpr std::int64_t kLength = 5;
  for (std::uint64_t key = 0; key < 8; ++key) {
    for (const double penalty : {0.0, 0.6, 1.0, 2.0}) {
      const auto language = random_language(3, key);
      const auto scores = all_replies(language, kLength, penalty);
      std::vector<std::pair<double, Ids>> sorted;
      for (const auto& [ids, score] : scores) sorted.push_back({-score, ids});
      std::ranges::sort(sorted);
      const auto replies = run_search(language, {.method = "beam",
                                                 .beam_size = 1024,
                                                 .length_penalty = penalty,
                                                 .max_new_tokens = kLength,
                                                 .replies = 6});
      ASSERT_EQ(replies.size(), 6U);
      for (std::size_t i = 0; i < replies.size(); ++i) {
        EXPECT_NEAR(replies[i].score, -sorted[i].first, kFloatTolerance);
        EXPECT_NEAR(scores.at(with_end(replies[i])), replies[i].score, kFloatTolerance);
      }
    }
  }
}

TEST(BeamSearchTest, AWiderBeamNeverLosesToGreedyHere) {
  for (std::uint64_t key = 0; key < 20; ++key) {
    const auto language = random_language(8, key);
    const auto greedy = run_search(language, {.method = "greedy", .max_new_tokens = 12});
    const auto beam =
        run_search(language, {.method = "beam", .beam_size = 8, .max_new_tokens = 12});
    EXPECT_GE(beam[0].score, greedy[0].score - kFloatTolerance) << key;
  }
}

TEST(BeamSearchTest, GivesDifferentRepliesBestFirst) {
  const auto language = random_language(6, 11);
  const auto replies =
      run_search(language, {.method = "beam", .beam_size = 5, .max_new_tokens = 10, .replies = 5});
  ASSERT_EQ(replies.size(), 5U);
  for (std::size_t i = 1; i < replies.size(); ++i) {
    EXPECT_GE(replies[i - 1].score, replies[i].score);
    EXPECT_NE(with_end(replies[i - 1]), with_end(replies[i]));
  }
}

TEST(BeamSearchTest, ALargerLengthPenaltyGivesNoShorterReply) {
  std::size_t grew = 0;
  for (std::uint64_t key = 0; key < 20; ++key) {
    const auto language = random_language(5, key);
    const auto length = [&](double penalty) {
      return run_search(language, {.method = "beam",
                                   .beam_size = 64,
                                   .length_penalty = penalty,
                                   .max_new_tokens = 8})[0]
          .ids.size();
    };
    EXPECT_GE(length(2.0), length(0.0));
    grew += length(2.0) > length(0.0);
  }
  EXPECT_GT(grew, 0U);
}

TEST(BeamSearchTest, TiesGoToTheLowerId) {
  const Markov even = {{{0, 0, 0.5, 0.5}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 0}}};
  const auto replies = run_search(even, {.method = "beam", .beam_size = 2, .replies = 2});
  EXPECT_EQ(replies[0].ids, Ids{2});
  EXPECT_EQ(replies[1].ids, Ids{3});
}

TEST(BeamSearchTest, KeepsMinimumLengthAndRepeatsNothing) {
  const auto replies = run_search(random_language(6, 2), {.method = "beam",
                                                          .beam_size = 3,
                                                          .min_new_tokens = 4,
                                                          .max_new_tokens = 8,
                                                          .no_repeat_ngram_size = 1,
                                                          .replies = 3});
  ASSERT_FALSE(replies.empty());
  for (const auto& reply : replies) {
    EXPECT_GE(reply.ids.size(), 4U);
    auto ids = reply.ids;
    std::ranges::sort(ids);
    EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  }
}

TEST(BeamSearchTest, EndsWhereNothingMayFollow) {
  const auto replies = run_search(kTrap, {.method = "beam",
                                          .beam_size = 3,
                                          .min_new_tokens = 60,
                                          .no_repeat_ngram_size = 1,
                                          .replies = 2});
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].ids.size(), 2U);
  EXPECT_EQ(replies[0].finish, "length");
}

TEST(MostRowsTest, CountsWhatASearchCanHold) {
  EXPECT_EQ(most_rows({.method = "greedy"}), 1);
  EXPECT_EQ(most_rows({.method = "beam", .beam_size = 1}), 1);
  EXPECT_EQ(most_rows({.method = "beam", .beam_size = 5}), 5);
  EXPECT_EQ(most_rows({.method = "sample", .replies = 3}), 3);
}

}  // namespace
}  // namespace banter::models
