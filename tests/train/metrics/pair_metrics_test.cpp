#include "train/metrics/pairs/pair_metrics.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "train/metrics/pairs/pair_scores.h"
#include "train/metrics/statistics/comparison.h"

namespace banter::train {
namespace {

constexpr auto kEntailed = data::Label::kEntailment, kContradicted = data::Label::kContradiction;

std::vector<const Metric*> all_metrics() {
  std::vector<const Metric*> metrics;
  for (const auto& metric : pair_metrics()) metrics.push_back(&metric);
  return metrics;
}

/// Two entailed pairs and one contradicted one, in two groups, by two likelihoods.
PairLikelihoods three_pairs() {
  return {.readings = {"ppl_d2_causal", "ppl_d1"},
          .pairs = {{.pair = 0,
                     .group = 0,
                     .label = kEntailed,
                     .labels = 4,
                     .nll = {{.own = 4, .shuffled = 8}, {.own = 1, .shuffled = 1}}},
                    {.pair = 2,
                     .group = 0,
                     .label = kEntailed,
                     .labels = 1,
                     .nll = {{.own = 2, .shuffled = 3}, {.own = 1, .shuffled = 1}}},
                    {.pair = 5,
                     .group = 1,
                     .label = kContradicted,
                     .labels = 2,
                     .nll = {{.own = 5, .shuffled = 4}, {.own = 2, .shuffled = 2}}}}};
}

std::map<std::string, double> values_of(const PairLikelihoods& pairs, std::size_t reading) {
  const auto measured = measure_pairs(pairs, reading, all_metrics());
  const auto values = measured.values();
  std::map<std::string, double> named;
  for (std::size_t i = 0; i < values.size(); ++i)
    named[std::string(measured.metrics[i]->name)] = values[i];
  return named;
}

TEST(PairMetricsTest, FiguresByHand) {
  const auto values = values_of(three_pairs(), 0);
  const std::map<std::string, double> expected = {
      {"p_ent", std::exp(6.0 / 5)},
      {"p_ctd", std::exp(5.0 / 2)},
      {"delta_p", std::exp(5.0 / 2) - std::exp(6.0 / 5)},
      {"log_delta_p", 5.0 / 2 - 6.0 / 5},
      {"p_ent_shuffled", std::exp(11.0 / 5)},
      {"p_ctd_shuffled", std::exp(4.0 / 2)},
      {"delta_p_shuffled", std::exp(4.0 / 2) - std::exp(11.0 / 5)},
      {"log_delta_p_shuffled", 4.0 / 2 - 11.0 / 5},
      {"pair_margin", -(4.0 / 4 + 2.0 / 1) / 2 + 5.0 / 2},
      {"pair_margin_shuffled", -(8.0 / 4 + 3.0 / 1) / 2 + 4.0 / 2},
      {"pair_gain_ent", ((8.0 - 4) / 4 + (3.0 - 2) / 1) / 2},
      {"pair_gain_ctd", (4.0 - 5) / 2},
      {"pair_gain", 1.0 - (-0.5)}};
  ASSERT_EQ(values.size(), expected.size());
  for (const auto& [name, value] : expected) EXPECT_NEAR(values.at(name), value, 1e-12) << name;
}

TEST(PairMetricsTest, AnotherLikelihoodHasItsOwnFigures) {
  const auto values = values_of(three_pairs(), 1);
  EXPECT_NEAR(values.at("p_ent"), std::exp(2.0 / 5), 1e-12);
  EXPECT_NEAR(values.at("pair_margin"), -(1.0 / 4 + 1) / 2 + 1, 1e-12);
  EXPECT_EQ(values.at("pair_gain"), 0);
}

TEST(PairMetricsTest, WhatHypothesesDifferByWithoutPremisesIsNoGain) {
  auto pairs = three_pairs();
  for (auto& pair : pairs.pairs) pair.nll[0].shuffled = pair.nll[0].own;
  const auto values = values_of(pairs, 0);
  EXPECT_NEAR(values.at("pair_margin"), 1, 1e-12);
  EXPECT_EQ(values.at("pair_gain"), 0);
}

TEST(PairMetricsTest, IntervalsAreOverGroups) {
  auto pairs = three_pairs();
  EXPECT_TRUE(
      std::isnan(PairScores(pairs, "s", "valid", "d", "how").readings[0].figures[0].interval.low))
      << "a draw may have one label alone";
  pairs.pairs.clear();
  for (std::uint64_t g = 0; g < 40; ++g)
    for (const auto label : {kEntailed, kContradicted})
      pairs.pairs.push_back(
          {.pair = pairs.pairs.size(),
           .group = g,
           .label = label,
           .labels = 2,
           .nll = {
               {.own = label == kEntailed ? 2.0 + static_cast<double>(g % 2) : 6.0, .shuffled = 5},
               {.own = 1, .shuffled = 1}}});
  const PairScores scores(pairs, "stores/x", "valid", "d", "checkpoint:abc");
  EXPECT_EQ(scores.groups, 40U);
  const auto& margin = scores.readings[0].figures[8];
  ASSERT_EQ(margin.metric->name, "pair_margin");
  EXPECT_NEAR(margin.value, 3 - 1.25, 1e-12);
  EXPECT_LT(margin.interval.low, margin.value);
  EXPECT_GT(margin.interval.high, margin.value);
  EXPECT_GT(margin.interval.low, 3 - 1.5) << "no draw is worse than the worse half";
  const auto json = scores.to_json();
  EXPECT_EQ(json.at("ppl_d1").at("pair_gain").at("signature"),
            "pair_gain|likelihood:ppl_d1|checkpoint:abc|pairs:40+40|interval:bootstrap-group-1000-"
            "12345|version:banter-" BANTER_VERSION);
  EXPECT_EQ(json.at("counts").at("contradicted").to_number<int>(), 40);
}

TEST(PairMetricsTest, TwoSystemsAreTestedByGroups) {
  PairLikelihoods good{.readings = {"ppl"}, .pairs = {}}, bad = good;
  for (std::uint64_t p = 0; p < 40; ++p) {
    const auto label = p % 2 == 0 ? kEntailed : kContradicted;
    const double gain = label == kEntailed ? 1 : -1;
    const auto pair = [&](double own) {
      return PairLikelihood{.pair = p,
                            .group = p / 2,
                            .label = label,
                            .labels = 1,
                            .nll = {{.own = own, .shuffled = 3}}};
    };
    good.pairs.push_back(pair(3 - gain));
    bad.pairs.push_back(pair(3));
  }
  const auto* gain = pair_column("pair_gain").metric;
  const auto test = compare(measure_pairs(good, 0, {gain}), measure_pairs(bad, 0, {gain}),
                            PairedTest::kRandomisation, 500);
  EXPECT_NEAR(test.at(0).difference, 2, 1e-12);
  EXPECT_NEAR(test.at(0).p, 1.0 / 501, 1e-12) << "alike in all groups";
}

TEST(PairMetricsTest, AColumnMayNameALikelihood) {
  EXPECT_EQ(pair_column("pair_gain").metric->name, "pair_gain");
  EXPECT_EQ(pair_column("pair_gain").reading, "");
  EXPECT_EQ(pair_column("ppl_d1.delta_p").metric->name, "delta_p");
  EXPECT_EQ(pair_column("ppl_d1.delta_p").reading, "ppl_d1");
  for (const auto* name : {"gain", "ppl_d1", "ppl_d1.", "ppl_d9.delta_p", "d2_reconstruction.p_ent",
                           "delta_p.ppl_d1", ".p_ent"})
    EXPECT_EQ(pair_column(name).metric, nullptr) << name;
}

TEST(PairLikelihoodsTest, AreReadBack) {
  const tests::TemporaryFolder folder;
  const auto file = folder / "pairs.jsonl";
  write_pair_likelihoods(file, three_pairs());
  EXPECT_TRUE(base::read_file(file).starts_with(
      R"({"pair":0,"group":0,"label":"entailment","labels":4,"ppl_d2_causal":[4E0,8E0],)"))
      << base::read_file(file);
  const auto back = read_pair_likelihoods(file);
  EXPECT_EQ(back.readings, three_pairs().readings);
  EXPECT_TRUE(are_same_pairs(back, three_pairs()));
  for (const std::size_t reading : {0U, 1U})
    EXPECT_EQ(values_of(back, reading), values_of(three_pairs(), reading));
  auto other = back;
  other.pairs[1].label = kContradicted;
  EXPECT_FALSE(are_same_pairs(back, other));
}

TEST(PairLikelihoodsTest, WhatADivergedModelScoresIsRefused) {
  const tests::TemporaryFolder folder;
  auto pairs = three_pairs();
  pairs.pairs[2].nll[1].shuffled = HUGE_VAL;
  EXPECT_THROW(write_pair_likelihoods(folder / "p.jsonl", pairs), base::DataError);
  EXPECT_FALSE(std::filesystem::exists(folder / "p.jsonl"));
}

TEST(PairLikelihoodsTest, ABadLineIsNamed) {
  const tests::TemporaryFolder folder;
  const auto file = folder / "p.jsonl";
  const std::string good = R"({"pair":0,"group":0,"label":"entailment","labels":4,"ppl":[4,8]})"
                           "\n";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {R"({"pair":1,"group":0,"label":"neutral","labels":4,"ppl":[4,8]})", "\"neutral\""},
      {R"({"pair":1,"group":0,"label":"entailment","labels":4,"ppl":[4]})", "ppl"},
      {R"({"pair":1,"group":0,"label":"entailment","labels":4})", "ppl"}};
  for (const auto& [line, word] : bad) {
    base::write_durably(file, good + line + "\n");
    try {
      (void)read_pair_likelihoods(file);
      FAIL() << line;
    } catch (const base::DataError& error) {
      EXPECT_NE(std::string(error.what()).find("p.jsonl:2"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace banter::train
