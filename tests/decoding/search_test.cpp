#include "models/decoding/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tests/decoding/markov_languages.h"

namespace banter::models {
namespace {

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

std::unique_ptr<Search> candidate_search(DecodingOptions options) {
  options.with_log_probs = false;
  return make_search(options, data::SpecialIds{});
}

TEST(SingleSearchTest, GreedyTakesCandidatesWhereNothingElseIsAsked) {
  const auto takes = [](const DecodingOptions& options, const SearchInput& input = {}) {
    return make_search(options, data::SpecialIds{}, input)->takes_candidates();
  };
  EXPECT_TRUE(takes({.with_log_probs = false}));
  EXPECT_TRUE(takes({.method = "beam", .beam_size = 1, .with_log_probs = false}));
  EXPECT_FALSE(takes({}));
  EXPECT_FALSE(takes({.method = "beam", .with_log_probs = false}));
  EXPECT_FALSE(takes({.method = "sample", .with_log_probs = false}));
  EXPECT_FALSE(takes({.repetition_penalty = 1.5, .with_log_probs = false}));
  EXPECT_FALSE(takes({.replies = 2, .with_log_probs = false}));
  EXPECT_FALSE(takes({.logit_bias = {{20, 1.0F}}, .with_log_probs = false}));
  EXPECT_FALSE(takes({.top_log_probs = 1, .with_log_probs = false}));
  EXPECT_FALSE(takes({.with_log_probs = false}, {.is_reranked = true}));
}

TEST(SingleSearchTest, ChoosesTheHighestCandidateThatMayFollow) {
  const auto search = candidate_search({.no_repeat_ngram_size = 1});
  const auto advance = [&](std::vector<Candidate> candidates, float below) {
    ScreenedRow row{std::move(candidates), below};
    return search->advance_among(row, nullptr);
  };
  const auto rows = [](data::TokenId id) { return std::vector<NextRow>{{0, id}}; };
  EXPECT_EQ(advance({{20, 1.0F}, {21, 3.0F}, {22, 3.0F}}, 0.5F), rows(21)) << "the lower of equals";
  EXPECT_EQ(advance({{20, 1.0F}, {21, 3.0F}, {22, 2.0F}}, 0.5F), rows(22)) << "21 was said";
  EXPECT_EQ(advance({{5, 9.0F}, {20, 1.0F}}, 0.5F), rows(20)) << "no mark of a vocabulary";
  EXPECT_EQ(advance({{3, 2.0F}, {23, 1.0F}}, 0.5F), std::vector<NextRow>{}) << "the end";
}

TEST(SingleSearchTest, AsksForTheLogitsWhereCandidatesDoNotTell) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto search = candidate_search({});
  const auto advance = [&](std::vector<Candidate> candidates, float below) {
    ScreenedRow row{std::move(candidates), below};
    return search->advance_among(row, nullptr);
  };
  EXPECT_FALSE(advance({}, 0));
  EXPECT_FALSE(advance({{3, 2.0F}}, 1)) << "the end may not come first";
  EXPECT_FALSE(advance({{3, 2.0F}, {20, 0.5F}}, 1)) << "another may be higher than 20";
  EXPECT_FALSE(advance({{20, kInfinity}}, 1));
  EXPECT_FALSE(advance({{20, std::numeric_limits<float>::quiet_NaN()}, {21, 3.0F}}, 1));
  EXPECT_FALSE(advance({{20, -kInfinity}}, -kInfinity));
  EXPECT_TRUE(advance({{3, 2.0F}, {20, 1.5F}}, 1)) << "nothing has changed before";
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

/// The language with e^nats times the probability of an id.
Markov tilted(Markov language, data::TokenId id, double nats) {
  for (auto& row : language.probs) {
    row[static_cast<std::size_t>(id)] *= std::exp(nats);
    const auto sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (auto& share : row) share /= sum;
  }
  return language;
}

TEST(LogitBiasTest, ChoosesAsTheTiltedLanguageDoesAndTellsTheModelsLogProbabilities) {
  const Markov language = {{{0, 0, 0.5, 0.3, 0.2},
                            {1, 0, 0, 0, 0},
                            {0, 0.2, 0.3, 0.4, 0.1},
                            {0, 0.1, 0.5, 0.2, 0.2},
                            {0, 0.3, 0.3, 0.2, 0.2}}};
  for (const char* method : {"greedy", "beam", "sample"})
    for (const float nats : {-100.0F, -1.0F, 0.7F, 100.0F}) {
      DecodingOptions options{.method = method,
                              .beam_size = 3,
                              .max_new_tokens = 5,
                              .seed = 3,
                              .replies = std::string(method) == "greedy" ? 1 : 3};
      const auto expected = run_search(tilted(language, 4, nats), options);
      options.logit_bias = {{.id = 4, .nats = nats}};
      const auto replies = run_search(language, options);
      ASSERT_EQ(replies.size(), expected.size());
      for (std::size_t i = 0; i < replies.size(); ++i) {
        EXPECT_EQ(replies[i].ids, expected[i].ids) << method << " " << nats;
        EXPECT_NEAR(replies[i].score, expected[i].score, 1e-4);
        data::TokenId last = 0;
        for (std::size_t t = 0; t < replies[i].ids.size(); ++t) {
          const auto id = replies[i].ids[t];
          const auto share =
              language.probs[static_cast<std::size_t>(last)][static_cast<std::size_t>(id)];
          EXPECT_NEAR(replies[i].log_probs[t], std::log(share), kFloatTolerance);
          last = id;
        }
      }
    }
}

TEST(TopLogProbsTest, AreThoseOfTheModelAtEachPlace) {
  const Markov language = {{{0, 0, 0.5, 0.3, 0.2},
                            {1, 0, 0, 0, 0},
                            {0, 0.6, 0.3, 0.1, 0},
                            {0, 1, 0, 0, 0},
                            {0, 1, 0, 0, 0}}};
  for (const char* method : {"greedy", "beam", "sample"}) {
    const auto reply = run_search(language, {.method = method,
                                             .repetition_penalty = 3,
                                             .min_new_tokens = 2,
                                             .max_new_tokens = 3,
                                             .logit_bias = {{.id = 2, .nats = 100}},
                                             .top_log_probs = 2})[0];
    ASSERT_EQ(reply.ids, (Ids{2, 2, 2}));
    ASSERT_EQ(reply.top_log_probs.size(), reply.log_probs.size());
    const auto& first = reply.top_log_probs[0];
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ((std::pair(first[0].id, first[1].id)),
              (std::pair<data::TokenId, data::TokenId>(2, 3)));
    EXPECT_NEAR(first[0].log_prob, std::log(0.5), kFloatTolerance);
    EXPECT_NEAR(first[1].log_prob, std::log(0.3), kFloatTolerance);
    EXPECT_EQ(reply.top_log_probs[1][0].id, 1) << "eos is told where it may not be chosen too";
    EXPECT_NEAR(reply.top_log_probs[2][0].log_prob, std::log(0.6), kFloatTolerance);
  }
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
