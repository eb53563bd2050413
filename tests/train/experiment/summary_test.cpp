#include "train/experiment/summary.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/experiment/finished_runs.h"
#include "train/experiment/comparison_report.h"
#include "train/metrics/statistics/holm.h"

namespace banter::train {
namespace {

class SummaryTest : public FinishedRuns {};

TEST_F(SummaryTest, MeansSpreadsAndDifferencesByHand) {
  GridResults results;
  const double base[] = {4, 6, 8}, other[] = {2, 5, 5};
  for (std::size_t seed = 0; seed < 3; ++seed) {
    results.finished.push_back(result(2 * seed, base[seed], "no"));
    results.finished.push_back(result(2 * seed + 1, other[seed], "yes"));
  }
  const auto summary = summarise(results, options_);
  // nll a word: (nats + 0.01) / 2 each: base 2.005, 3.005, 4.005.
  const auto& spread = summary.values[0][0].spread;
  EXPECT_NEAR(spread.mean, 3.005, 1e-9);
  EXPECT_NEAR(spread.deviation, 1, 1e-9);
  ASSERT_EQ(summary.differences.size(), 2U);
  const auto& first = summary.differences[0];
  EXPECT_EQ(first.row, "other");
  EXPECT_NEAR(first.spread.mean, -1, 1e-9) << "-1, -0.5, -1.5";
  EXPECT_NEAR(first.spread.deviation, 0.5, 1e-9);
  EXPECT_NEAR(first.spread.interval->high, -1 + 4.3026527297 * 0.5 / std::sqrt(3), 1e-6);
  EXPECT_NEAR(first.p, 1.0 / 501, 1e-12) << "the same sign in all dialogues";
  EXPECT_NEAR(summary.differences[1].spread.mean, 1, 1e-9) << "f1 0 against 1";
  const auto adjusted = holm(std::vector{first.p, summary.differences[1].p});
  EXPECT_EQ(first.p_holm, adjusted[0]);
  EXPECT_EQ(summary.differences[1].p_holm, adjusted[1]);
  EXPECT_TRUE(summary.notes.empty()) << summary.notes.front();
}

TEST_F(SummaryTest, AMetricOfTheModelIsTakenFromItsAnswer) {
  options_.evaluate.metrics = {"perturb_shuffle_turns"};
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished[0].measured =
      base::parse_json(
          R"({"perturb": {"perturb_shuffle_turns": {"value": 0.25, "low": 0.2, "high": 0.3}}})",
          "test")
          .as_object();
  const auto summary = summarise(results, options_);
  EXPECT_EQ(summary.values[0][0].spread.mean, 0.25);
  EXPECT_EQ(summary.values[0][0].runs[0].test_set->high, 0.3);
  EXPECT_TRUE(std::isnan(summary.values[1][0].spread.mean)) << "a row without runs";
}

TEST_F(SummaryTest, EveryValueHasItsSignature) {
  options_.evaluate.metrics = {"nll_word", "f1", "hits_1"};
  GridResults results;
  for (const std::size_t cell : {0U, 1U}) {
    results.finished.push_back(
        with_hits(result(cell, 4, "no"), [](std::uint64_t d) { return d < 3; }));
    results.finished.back().measured["signature"] =
        "checkpoint:" + std::to_string(cell) + "|tokenizer:t|version:x";
  }
  const auto summary = summarise(results, options_);
  EXPECT_EQ(summary.values[1][0].runs[0].signature, "nll_word|checkpoint:1|tokenizer:t|version:x");
  EXPECT_TRUE(summary.values[0][1].runs[0].signature.starts_with("f1|nrefs:1|case:lc|tok:f1|"));
  EXPECT_TRUE(summary.values[0][2].runs[0].signature.starts_with("hits_1|rank_score:mean|"));
  const auto text = to_markdown(comparison_document(results, summary, options_));
  EXPECT_NE(text.find("```text\nnll_word|tokenizer:t|version:x\nf1|nrefs:1|"), std::string::npos)
      << "once, however many runs: " << text;
  const auto json = comparison_json(results, summary, options_);
  EXPECT_EQ(json.at("rows").at(0).at("metrics").at("nll_word").at("by_seed").at(0).at("signature"),
            "nll_word|checkpoint:0|tokenizer:t|version:x");
}

TEST_F(SummaryTest, MetricsOfPairsHaveValuesIntervalsAndTests) {
  options_.evaluate.metrics = {"log_delta_p", "pair_gain", "ppl_d1.pair_margin"};
  options_.evaluate.pairs = "pairs";
  GridResults results;
  for (std::size_t seed = 0; seed < 3; ++seed) {
    results.finished.push_back(with_pairs(result(2 * seed, 4, "no"), 4, 4));
    results.finished.push_back(with_pairs(result(2 * seed + 1, 4, "no"), 2, 6));
  }
  const auto summary = summarise(results, options_);
  const auto& gain = summary.values[1][1];
  EXPECT_NEAR(gain.spread.mean, (4.0 - 2) / 2 - (4.0 - 6) / 2, 1e-12);
  EXPECT_NEAR(gain.runs[0].test_set->low, 2, 1e-12) << "all groups are alike";
  EXPECT_EQ(gain.runs[0].signature, "pair_gain|likelihood:ppl|checkpoint:abc|split:valid");
  EXPECT_EQ(summary.values[1][2].runs[0].signature,
            "pair_margin|likelihood:ppl_d1|checkpoint:abc|split:valid");
  ASSERT_EQ(summary.differences.size(), 3U);
  EXPECT_NEAR(summary.differences[0].spread.mean, 6.0 / 2 - 2.0 / 2, 1e-12);
  EXPECT_NEAR(summary.differences[0].p, 1.0 / 501, 1e-12);
  EXPECT_NEAR(summary.differences[1].p, 1.0 / 501, 1e-12);
  EXPECT_EQ(summary.differences[2].p, 1) << "ppl_d1 is the same in both";
  EXPECT_EQ(summary.columns[2].name, "ppl_d1.pair_margin");
}

TEST_F(SummaryTest, ALikelihoodThatARowHasNotIsNoValueAndNoTest) {
  options_.evaluate.metrics = {"pair_gain", "ppl_d1.pair_gain"};
  options_.evaluate.pairs = "pairs";
  GridResults results;
  results.finished.push_back(with_pairs(result(0, 4, "no"), 4, 4));
  results.finished.push_back(with_pairs(result(1, 4, "no"), 2, 6));
  auto& base = results.finished[0].pairs;
  base.readings.pop_back();
  for (auto& pair : base.pairs) pair.nll.pop_back();
  const auto summary = summarise(results, options_);
  EXPECT_TRUE(std::isnan(summary.values[0][1].spread.mean));
  EXPECT_EQ(summary.values[0][1].runs[0].signature, "");
  EXPECT_EQ(summary.values[1][1].spread.mean, 0);
  ASSERT_EQ(summary.differences.size(), 1U);
  EXPECT_EQ(summary.differences[0].column, 0U);
}

TEST_F(SummaryTest, VectorsAreNamedWithTheirHashAndCoverage) {
  const tests::TemporaryFolder folder;
  base::write_durably(folder / "v.txt", "yes 1 0\nno 0 1\n");
  options_.evaluate.metrics = {"embed_avg"};
  options_.evaluate.vectors = (folder / "v.txt").string();
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 4, "never"));
  const auto summary = summarise(results, options_);
  const auto json = comparison_json(results, summary, options_);
  EXPECT_EQ(json.at("vectors").at("hash").as_string(), base::sha256_hex("yes 1 0\nno 0 1\n"));
  EXPECT_EQ(json.at("vectors").at("coverage").at("replies").as_double(), 0.5) << "of both rows";
  const auto text = to_markdown(comparison_document(results, summary, options_));
  EXPECT_NE(text.find("50.0 % of the words of all replies and 100.0 % of those of the references"),
            std::string::npos)
      << text;
}

TEST_F(SummaryTest, TextsAreMeasuredByTheWordsThatAreNamed) {
  options_.evaluate.metrics = {"distinct_1"};
  GridResults results;
  results.finished.push_back(result(0, 4, "abba"));
  results.finished[0].samples.resize(1);
  const auto words = summarise(results, options_).values[0][0].runs[0];
  EXPECT_EQ(words.value, 1) << "one word";
  EXPECT_NE(words.signature.find("|tok:13a|"), std::string::npos) << words.signature;
  options_.evaluate.tokenize = "char";
  const auto characters = summarise(results, options_).values[0][0].runs[0];
  EXPECT_EQ(characters.value, 0.5) << "a and b of four";
  EXPECT_NE(characters.signature.find("|tok:char|"), std::string::npos) << characters.signature;
}

TEST_F(SummaryTest, VectorsAreThoseOfTheWordsThatAreNamed) {
  const tests::TemporaryFolder folder;
  base::write_durably(folder / "v.txt", "y 1 0\nyes 0 1\n");
  options_.evaluate.metrics = {"embed_avg"};
  options_.evaluate.vectors = (folder / "v.txt").string();
  options_.evaluate.tokenize = "char";
  GridResults results;
  results.finished.push_back(result(0, 4, "ya"));
  const auto json = comparison_json(results, summarise(results, options_), options_);
  EXPECT_EQ(json.at("vectors").at("coverage").at("replies").as_double(), 0.5) << "of y and a";
}

}  // namespace
}  // namespace banter::train
