#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/decoding/search.h"
#include "tests/decoding/markov_languages.h"

namespace banter::models {
namespace {

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

}  // namespace
}  // namespace banter::models
