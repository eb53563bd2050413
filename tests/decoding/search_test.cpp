#include "models/decoding/search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <set>
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

/// Whether `ids` end in an n-gram that `said` holds, or hold before.
bool ends_in_ngram_of(const Ids& said, const Ids& ids, std::int64_t n) {
  if (n == 0 || std::ssize(ids) < n) return false;
  const Ids last(ids.end() - n, ids.end());
  const auto found = std::ranges::search(said, last);
  return !found.empty() && (&said != &ids || found.begin() != ids.end() - n);
}

/// What the words of a random language of three say.
const std::vector<std::string> kSurfaces = {"", "", " a", "b", "ba"};

bool says(const Ids& ids, const std::string& phrase) {
  std::string text;
  for (const auto id : ids) text += kSurfaces[static_cast<std::size_t>(id)];
  if (!text.starts_with(' ')) text.insert(0, 1, ' ');
  return text.find(phrase) != std::string::npos;
}

/// The rules, said once more: whether `ids` may stand in a reply, its last token being the newest.
bool is_allowed(const Ids& ids, const DecodingOptions& options, const SearchInput& input) {
  const auto length = std::ssize(ids);
  if (length <= std::ssize(input.prefix)) return ids.back() == input.prefix[ids.size() - 1];
  if (ids.back() == kEos && length - 1 < options.min_new_tokens) return false;
  if (ends_in_ngram_of(ids, ids, options.no_repeat_ngram_size)) return false;
  for (const auto& turn : input.context.turns)
    if (ends_in_ngram_of(turn.ids, ids, options.context_no_repeat_ngram_size)) return false;
  return std::ranges::none_of(options.block, [&](const auto& phrase) { return says(ids, phrase); });
}

/// ln p of each next id, after the repetition penalty.
std::vector<double> penalised_log_probs(const Markov& language, const Ids& ids, double penalty) {
  std::vector<double> logits;
  for (const double p : language.probs[static_cast<std::size_t>(ids.empty() ? 0 : ids.back())])
    logits.push_back(std::log(p) + language.shift);
  for (const auto id : std::set<data::TokenId>(ids.begin(), ids.end())) {
    auto& logit = logits[static_cast<std::size_t>(id)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit);
  for (double& logit : logits) logit -= std::log(sum);
  return logits;
}

/// Every reply that the rules allow with its score, by trying all of them.
std::map<Ids, double> all_replies(const Markov& language, const DecodingOptions& options,
                                  const SearchInput& input = {}) {
  std::map<Ids, double> scores;
  const std::function<void(Ids, double)> grow = [&](const Ids& ids, double sum) {
    bool has_next = false;
    if ((ids.empty() || ids.back() != kEos) && std::ssize(ids) < options.max_new_tokens) {
      const auto log_probs = penalised_log_probs(language, ids, options.repetition_penalty);
      for (std::size_t id = 1; id < log_probs.size(); ++id) {
        auto longer = ids;
        longer.push_back(static_cast<data::TokenId>(id));
        if (std::isinf(log_probs[id]) || !is_allowed(longer, options, input)) continue;
        has_next = true;
        grow(longer, sum + log_probs[id]);
      }
    }
    const auto length = static_cast<double>(ids.size());
    if (!has_next) scores[ids] = sum / std::pow(length, options.length_penalty);
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

/// A beam that holds everything finds the best replies of `all_replies`, in their order.
void expect_equal_to_trying_all(const Markov& language, DecodingOptions options,
                                const SearchInput& input = {}) {
  const auto scores = all_replies(language, options, input);
  std::vector<double> sorted;
  for (const auto& [ids, score] : scores) sorted.push_back(score);
  std::ranges::sort(sorted, std::ranges::greater{});
  options.method = "beam";
  options.beam_size = 1024;
  options.replies = 6;
  const auto replies = run_search(language, options, input);
  ASSERT_EQ(replies.size(), std::min<std::size_t>(6, sorted.size()));
  for (std::size_t i = 0; i < replies.size(); ++i) {
    EXPECT_NEAR(replies[i].score, sorted[i], kFloatTolerance);
    ASSERT_TRUE(scores.contains(with_end(replies[i])));
    EXPECT_NEAR(scores.at(with_end(replies[i])), replies[i].score, kFloatTolerance);
  }
}

TEST(BeamSearchTest, ABeamThatHoldsEverythingEqualsTryingAll) {
  for (std::uint64_t key = 0; key < 8; ++key)
    for (const double penalty : {0.0, 0.6, 1.0, 2.0})
      expect_equal_to_trying_all(random_language(3, key),
                                 {.length_penalty = penalty, .max_new_tokens = 5});
}

TEST(BeamSearchTest, EqualsTryingAllUnderEveryRule) {
  const SearchInput said{.context = {.turns = {{.ids = {2, 3, 4}}, {.ids = {4, 4}}}}};
  const SearchInput prefixed{.prefix = {4, 2}};
  const std::vector<std::string> block = {"ab", "bb", " ba"};
  const SearchInput phrases{
      .wording = std::make_shared<Wording>(kSurfaces, block, std::vector<std::string>{})};
  for (std::uint64_t key = 0; key < 8; ++key) {
    auto language = random_language(3, key);
    language.shift = 1.0;  // some logits positive, some negative
    expect_equal_to_trying_all(language, {.min_new_tokens = 3, .max_new_tokens = 5});
    expect_equal_to_trying_all(language, {.max_new_tokens = 5, .no_repeat_ngram_size = 1});
    expect_equal_to_trying_all(
        language, {.min_new_tokens = 4, .max_new_tokens = 6, .no_repeat_ngram_size = 2});
    expect_equal_to_trying_all(language, {.repetition_penalty = 1.7, .max_new_tokens = 5});
    expect_equal_to_trying_all(language, {.repetition_penalty = 0.6, .max_new_tokens = 5});
    expect_equal_to_trying_all(language, {.max_new_tokens = 5, .context_no_repeat_ngram_size = 2},
                               said);
    expect_equal_to_trying_all(language, {.max_new_tokens = 5}, prefixed);
    expect_equal_to_trying_all(language, {.max_new_tokens = 5, .block = block}, phrases);
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

void expect_same(const std::vector<Reply>& a, const std::vector<Reply>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].ids, b[i].ids);
    EXPECT_EQ(a[i].log_probs, b[i].log_probs);
    EXPECT_EQ(a[i].score, b[i].score);
    EXPECT_EQ(a[i].finish, b[i].finish);
  }
}

TEST(DiverseBeamTest, OneGroupIsABeamBitForBit) {
  for (std::uint64_t key = 0; key < 20; ++key) {
    DecodingOptions options{.method = "beam", .beam_size = 4, .max_new_tokens = 10, .replies = 4};
    const auto beam = run_search(random_language(7, key), options);
    options.beam_groups = 1;
    options.diversity_penalty = 3;
    expect_same(run_search(random_language(7, key), options), beam);
  }
}

TEST(DiverseBeamTest, GroupsThatDoNotAvoidEachOtherAreSmallerBeamsBitForBit) {
  for (std::uint64_t key = 0; key < 20; ++key) {
    const auto language = random_language(7, key);
    DecodingOptions options{.method = "beam", .beam_size = 3, .max_new_tokens = 10, .replies = 3};
    const auto beam = run_search(language, options);
    options.beam_size = 9;
    options.beam_groups = 3;
    options.diversity_penalty = 0;
    options.replies = 9;
    expect_same(run_search(language, options), beam);  // what all groups found is given once
  }
}

TEST(DiverseBeamTest, ALaterGroupAvoidsWhatTheOnesBeforeChose) {
  // Two groups of one: without a penalty both say 2 (0.6); with ln 2 off, the second sees 0.3 <
  // 0.4.
  const Markov language = {{{0, 0, 0.6, 0.4}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 1, 0, 0}}};
  const auto replies = [&](double penalty) {
    return run_search(language, {.method = "beam",
                                 .beam_size = 2,
                                 .beam_groups = 2,
                                 .diversity_penalty = penalty,
                                 .replies = 2});
  };
  EXPECT_EQ(replies(0.3).size(), 1U);
  const auto both = replies(std::log(2.0));
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].ids, Ids{2});
  EXPECT_EQ(both[1].ids, Ids{3});
  EXPECT_NEAR(both[1].score, std::log(0.4) / 2, kFloatTolerance) << "the penalty is no part of it";
}

TEST(DiverseBeamTest, FindsMoreDifferentFirstTokensThanABeam) {
  std::size_t of_beam = 0, of_groups = 0;
  const auto first_tokens = [](const std::vector<Reply>& replies) {
    std::set<data::TokenId> first;
    for (const auto& reply : replies) first.insert(reply.ids.at(0));
    return first.size();
  };
  for (std::uint64_t key = 0; key < 20; ++key) {
    DecodingOptions options{.method = "beam",
                            .beam_size = 4,
                            .diversity_penalty = 2,
                            .max_new_tokens = 10,
                            .replies = 4};
    of_beam += first_tokens(run_search(random_language(8, key), options));
    options.beam_groups = 4;
    of_groups += first_tokens(run_search(random_language(8, key), options));
  }
  EXPECT_GT(of_groups, of_beam);
}

TEST(DiverseBeamTest, WhatATokenCostForDiversityIsNoPartOfTheScore) {
  // Both groups say 2 first, the second one at a price; then they part.
  const Markov language = {{{0, 0, 0.9, 0.1, 0},
                            {1, 0, 0, 0, 0},
                            {0, 0, 0, 0.55, 0.45},
                            {0, 1, 0, 0, 0},
                            {0, 1, 0, 0, 0}}};
  const auto replies = run_search(
      language,
      {.method = "beam", .beam_size = 2, .beam_groups = 2, .diversity_penalty = 0.5, .replies = 2});
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[1].ids, (Ids{2, 4}));
  EXPECT_NEAR(replies[1].score, std::log(0.9 * 0.45) / 3, kFloatTolerance);
}

TEST(DiverseBeamTest, KeepsRowsApartWhenGroupsEndAtDifferentTimes) {
  for (std::uint64_t key = 0; key < 40; ++key) {
    const auto language = random_language(7, key);
    DecodingOptions options{.method = "beam",
                            .beam_size = 6,
                            .beam_groups = 3,
                            .diversity_penalty = 1.5,
                            .length_penalty = 0,  // groups are decided while some beams still live
                            .max_new_tokens = 12,
                            .replies = 6};
    const auto replies = run_search(language, options);
    for (const auto& reply : replies) {
      const auto ids = with_end(reply);
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto last = static_cast<std::size_t>(i == 0 ? 0 : ids[i - 1]);
        EXPECT_NEAR(reply.log_probs[i],
                    std::log(language.probs[last][static_cast<std::size_t>(ids[i])]),
                    kFloatTolerance);
      }
    }
    // Nobody comes before the first group: it is a beam by itself.
    options.beam_size = 2;
    options.beam_groups = 1;
    options.replies = 2;
    for (const auto& reply : run_search(language, options))
      EXPECT_EQ(std::ranges::count(replies, reply.ids, &Reply::ids), 1);
  }
}

TEST(PrefixTest, BeginsTheReplyAndCountsItsLogProbability) {
  for (const char* method : {"greedy", "beam", "sample"}) {
    const auto reply =
        run_search(kTrap, {.method = method, .max_new_tokens = 6}, {.prefix = {3, 2}})[0];
    ASSERT_GT(reply.ids.size(), 1U);
    EXPECT_EQ(reply.ids[0], 3);
    EXPECT_EQ(reply.ids[1], 2);
    EXPECT_NEAR(reply.log_probs[0], std::log(0.4), kFloatTolerance);
    EXPECT_NEAR(reply.log_probs[1], std::log(0.05), kFloatTolerance);
    const auto sum = std::accumulate(reply.log_probs.begin(), reply.log_probs.end(), 0.0);
    EXPECT_NEAR(reply.score, sum / static_cast<double>(reply.log_probs.size()), kFloatTolerance);
  }
}

TEST(PrefixTest, IsFollowedByWhatTheModelSaysNext) {
  EXPECT_EQ(run_search(kTrap, {.method = "greedy"}, {.prefix = {2, 3}})[0].ids, (Ids{2, 3}));
}

TEST(PrefixTest, MustLeaveAToken) {
  EXPECT_NO_THROW(make_search({.max_new_tokens = 3}, Markov::special(), {.prefix = {2, 2}}));
  EXPECT_THROW(make_search({.max_new_tokens = 2}, Markov::special(), {.prefix = {2, 2}}),
               configs::ConfigError);
}

TEST(PrefixTest, IsNotBlamedForWhatEveryReplyBeginsWith) {
  auto special = Markov::special();
  const auto fault = [&](const Ids& prefix) {
    return fault_of_prefix(prefix, {.max_new_tokens = 1}, special);
  };
  EXPECT_EQ(fault({}), "");
  EXPECT_EQ(fault({2}),
            "the prefix has 1 tokens, but a reply at most 1 (max_new_tokens), one of them its own");
  special.reply_begin = 2;
  EXPECT_EQ(fault({2}).find("prefix"), std::string::npos) << fault({2});
  EXPECT_NE(fault({2}).find("max_new_tokens is 1"), std::string::npos) << fault({2});
  EXPECT_NE(fault({2, 3}).find("the prefix has 2 tokens, with the one"), std::string::npos);
}

TEST(RepetitionPenaltyTest, TakesDownWhatWasSaid) {
  // 2 follows 2 with 0.5 against 0.4: squared, 0.25 is less than 0.4.
  const Markov language = {{{0, 0, 1, 0}, {1, 0, 0, 0}, {0, 0.1, 0.5, 0.4}, {0, 0.9, 0.05, 0.05}}};
  const auto reply = [&](double penalty) {
    return run_search(language, {.method = "greedy",
                                 .repetition_penalty = penalty,
                                 .min_new_tokens = 2,
                                 .max_new_tokens = 3})[0];
  };
  EXPECT_EQ(reply(1.0).ids, (Ids{2, 2, 2}));
  EXPECT_EQ(reply(2.0).ids, (Ids{2, 3}));
  EXPECT_EQ(reply(1.1).ids, (Ids{2, 2, 2}));
  EXPECT_NEAR(reply(1.1).log_probs[1], std::log(0.5), kFloatTolerance) << "the model's own";
  EXPECT_NEAR(reply(2.0).log_probs[1], std::log(0.4), kFloatTolerance) << "the model's own";
  EXPECT_NEAR(reply(2.0).score,
              (std::log(0.4 / 0.75) + std::log(0.9 / (0.9 + 2 * 0.05 * 0.05))) / 3, kFloatTolerance)
      << "of the penalised distributions";
}

TEST(SingleSearchTest, SamplesTypicallyByProbability) {
  // Of 0.4, 0.3, 0.2, 0.1 (entropy 1.28 nats) the nearest in surprise are 0.3 (1.20), 0.2 (1.61),
  // 0.4 (0.92) and 0.1 (2.30): a share of 0.6 takes the first three.
  const Markov language = {{{0, 0, 0.4, 0.3, 0.2, 0.1}}};
  constexpr int kReplies = 6000;
  const auto replies = run_search(
      language,
      {.method = "sample", .typical_p = 0.6, .max_new_tokens = 1, .seed = 8, .replies = kReplies});
  std::map<data::TokenId, double> counts;
  for (const auto& reply : replies) ++counts[reply.ids[0]];
  const std::map<data::TokenId, double> exact = {{2, 0.4 / 0.9}, {3, 0.3 / 0.9}, {4, 0.2 / 0.9}};
  EXPECT_EQ(counts.size(), exact.size());
  double chi_square = 0;  // 2 degrees of freedom: 13.8 is passed once in 1000 seeds
  for (const auto& [id, share] : exact)
    chi_square += std::pow(counts[id] - share * kReplies, 2) / (share * kReplies);
  EXPECT_LT(chi_square, 13.8);
}

/// What a cut leaves of a distribution, by sorting all of it.
std::map<data::TokenId, double> cut_distribution(const std::vector<double>& probs,
                                                 const DecodingOptions& options) {
  std::vector<std::pair<double, data::TokenId>> kept;  // share, id
  for (std::size_t id = 0; id < probs.size(); ++id)
    if (probs[id] > 0)
      kept.emplace_back(std::pow(probs[id], 1 / options.temperature), static_cast<int>(id));
  const auto normalise = [&] {
    double sum = 0;
    for (const auto& [share, id] : kept) sum += share;
    for (auto& [share, id] : kept) share /= sum;
  };
  const auto keep_first_with = [&](double share) {
    double sum = 0;
    std::size_t count = 0;
    while (sum < share && count < kept.size()) sum += kept[count++].first;
    kept.resize(count);
    normalise();
  };
  normalise();
  std::ranges::sort(kept, std::ranges::greater{}, [](const auto& one) { return one.first; });
  if (options.top_k > 0)
    kept.resize(std::min(kept.size(), static_cast<std::size_t>(options.top_k)));
  normalise();
  if (options.top_p < 1) keep_first_with(options.top_p);
  if (options.typical_p < 1) {
    double entropy = 0;
    for (const auto& [share, id] : kept) entropy -= share * std::log(share);
    std::ranges::sort(kept, {},
                      [&](const auto& one) { return std::abs(-std::log(one.first) - entropy); });
    keep_first_with(options.typical_p);
  }
  std::map<data::TokenId, double> distribution;
  for (const auto& [share, id] : kept) distribution[id] = share;
  return distribution;
}

/// A value of chi-square that is passed once in 10000 draws.
/// Source   Wilson and Hilferty 1931
double rare_chi_square(double degrees) {
  constexpr double kRare = 3.719;  // standard deviations
  const double part = 2 / (9 * degrees);
  return degrees * std::pow(1 - part + kRare * std::sqrt(part), 3);
}

TEST(SingleSearchTest, SamplesFollowTheDistributionThatTheCutsLeave) {
  const Markov language = {{{0, 0, 0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05, 0.03, 0.015, 0.005}}};
  constexpr int kReplies = 20'000;
  const std::vector<DecodingOptions> cuts = {
      {},
      {.temperature = 0.6},
      {.temperature = 2.5},
      {.top_k = 4},
      {.top_p = 0.7},
      {.typical_p = 0.5},
      {.temperature = 1.7, .top_k = 7},
      {.temperature = 0.8, .top_k = 6, .top_p = 0.8},
      {.temperature = 1.4, .top_p = 0.95, .typical_p = 0.6},
      {.top_k = 8, .top_p = 0.9, .typical_p = 0.7},
  };
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    auto options = cuts[i];
    options.method = "sample";
    options.max_new_tokens = 1;
    options.seed = 11 + i;
    options.replies = kReplies;
    std::map<data::TokenId, double> counts;
    for (const auto& reply : run_search(language, options)) ++counts[reply.ids.at(0)];
    const auto exact = cut_distribution(language.probs[0], options);
    double chi_square = 0;
    for (const auto& [id, share] : exact)
      chi_square += std::pow(counts[id] - share * kReplies, 2) / (share * kReplies);
    EXPECT_EQ(counts.size(), exact.size()) << "cut " << i << " keeps something else";
    EXPECT_LT(chi_square, rare_chi_square(static_cast<double>(exact.size() - 1))) << "cut " << i;
  }
}

TEST(MakeSearchTest, NeedsTheWordingOfTexts) {
  EXPECT_THROW(make_search({.block = {"a"}}, Markov::special()), configs::ConfigError);
  EXPECT_THROW(make_search({.stop = {"a"}}, Markov::special()), configs::ConfigError);
}

TEST(MakeSearchTest, EveryOptionChangesReplies) {
  auto language = random_language(8, 4);
  const SearchInput input{
      .context = {.turns = {{.ids = {2, 3, 4, 5, 6, 7, 8, 9}}}},
      .wording = std::make_shared<Wording>(std::vector<std::string>(10, "x"),
                                           std::vector<std::string>{}, std::vector<std::string>{})};
  const auto said = [&](const DecodingOptions& options) {
    std::string all;
    for (const auto& reply : run_search(language, options, input)) {
      for (const auto id : with_end(reply)) all += std::to_string(id) + " ";
      all += std::to_string(reply.score) + "\n";
    }
    return all;
  };
  DecodingOptions beam{
      .method = "beam", .beam_size = 6, .length_penalty = 0, .max_new_tokens = 8, .replies = 3};
  DecodingOptions sample{.method = "sample", .temperature = 2, .max_new_tokens = 8, .replies = 30};
  const auto differs = [&](const DecodingOptions& base, auto DecodingOptions::*field, auto value) {
    auto changed = base;
    changed.*field = value;
    return said(changed) != said(base);
  };
  EXPECT_TRUE(differs(beam, &DecodingOptions::method, "sample"));
  EXPECT_TRUE(differs(beam, &DecodingOptions::beam_size, 12));
  EXPECT_TRUE(differs(beam, &DecodingOptions::beam_groups, 3));
  EXPECT_TRUE(differs(beam, &DecodingOptions::length_penalty, 2));
  EXPECT_TRUE(differs(beam, &DecodingOptions::repetition_penalty, 2));
  EXPECT_TRUE(differs(beam, &DecodingOptions::min_new_tokens, 7));
  EXPECT_TRUE(differs(beam, &DecodingOptions::max_new_tokens, 2));
  EXPECT_TRUE(differs(beam, &DecodingOptions::no_repeat_ngram_size, 1));
  EXPECT_TRUE(differs(beam, &DecodingOptions::context_no_repeat_ngram_size, 1));
  EXPECT_TRUE(differs(beam, &DecodingOptions::replies, 2));
  beam.beam_groups = 3;
  EXPECT_TRUE(differs(beam, &DecodingOptions::diversity_penalty, 3));
  EXPECT_TRUE(differs(sample, &DecodingOptions::temperature, 0.5));
  EXPECT_TRUE(differs(sample, &DecodingOptions::top_k, 2));
  EXPECT_TRUE(differs(sample, &DecodingOptions::top_p, 0.5));
  EXPECT_TRUE(differs(sample, &DecodingOptions::typical_p, 0.2));
  EXPECT_TRUE(differs(sample, &DecodingOptions::seed, std::uint64_t{2}));
}

TEST(MostRowsTest, CountsWhatASearchCanHold) {
  EXPECT_EQ(most_rows({.method = "greedy"}), 1);
  EXPECT_EQ(most_rows({.method = "beam", .beam_size = 1}), 1);
  EXPECT_EQ(most_rows({.method = "beam", .beam_size = 5}), 5);
  EXPECT_EQ(most_rows({.method = "sample", .replies = 3}), 3);
}

}  // namespace
}  // namespace banter::models
