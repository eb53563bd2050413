#include "train/experiment/row_tests.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/train/experiment/finished_runs.h"
#include "train/experiment/comparison_report.h"

namespace banter::train {
namespace {

class RowTestsTest : public FinishedRuns {};
class RowTestsOnAnAxisTest : public RunsOnAnAxis {};

TEST_F(RowTestsOnAnAxisTest, EachRowIsTestedAgainstTheBaselineAtItsOwnPlace) {
  const auto summary = summarise(results_, options_);
  ASSERT_EQ(summary.differences.size(), 2U);
  EXPECT_EQ(summary.differences[0].row, "none-fraction-1");
  EXPECT_EQ(summary.differences[0].baseline, "full-fraction-1");
  EXPECT_NEAR(summary.differences[0].spread.mean, 1, 1e-9) << "(6 - 4) / 2";
  EXPECT_EQ(summary.differences[1].baseline, "full-fraction-0.125");
  EXPECT_NEAR(summary.differences[1].spread.mean, 3, 1e-9) << "(14 - 8) / 2";
  const auto text = to_markdown(comparison_document(results_, summary, options_));
  EXPECT_NE(text.find("Row minus the row that differs from it by full alone"), std::string::npos);
  EXPECT_NE(text.find("| none-fraction-0.125 | full-fraction-0.125 | nll_word | 3.000 |"),
            std::string::npos)
      << text;
  const auto report = comparison_json(results_, summary, options_);
  EXPECT_EQ(report.at("differences").at(1).at("baseline").as_string(), "full-fraction-0.125");
}

TEST_F(RowTestsTest, OnlyPairsOfEqualSeedsAreCompared) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));   // base, seed 1
  results.finished.push_back(result(3, 2, "yes"));  // other, seed 2
  results.open.push_back({.cell = &cells_[1], .state = CellState::kNew});
  const auto summary = summarise(results, options_);
  EXPECT_TRUE(summary.differences.empty());
  ASSERT_EQ(summary.notes.size(), 1U);
  EXPECT_EQ(summary.notes[0], "1 of 3 runs are not finished: this is a part of the comparison.");
}

TEST_F(RowTestsTest, RunsOnOtherRepliesAreNotCompared) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 2, "yes"));
  results.finished[1].likelihoods[4].turn = 3;
  const auto summary = summarise(results, options_);
  EXPECT_TRUE(summary.differences.empty());
  ASSERT_EQ(summary.notes.size(), 1U);
  EXPECT_NE(summary.notes[0].find("measured on other replies"), std::string::npos);
}

TEST_F(RowTestsTest, MetricsOfTheModelAreTestedByTheirSumsInDialogues) {
  options_.evaluate.metrics = {"hits_1"};
  GridResults results;
  for (std::size_t seed = 0; seed < 3; ++seed) {
    results.finished.push_back(
        with_hits(result(2 * seed, 4, "no"), [](std::uint64_t d) { return d < 3; }));
    results.finished.push_back(
        with_hits(result(2 * seed + 1, 4, "no"), [](std::uint64_t d) { return d < 27; }));
  }
  const auto summary = summarise(results, options_);
  ASSERT_EQ(summary.differences.size(), 1U);
  EXPECT_NEAR(summary.differences[0].spread.mean, 0.9 - 0.1, 1e-12);
  EXPECT_EQ(summary.differences[0].spread.count, 3U);
  EXPECT_NEAR(summary.differences[0].p, 1.0 / 501, 1e-12);

  results.finished[1].sums.add_hits(std::vector<Rank>{{.group = 50, .candidates = 4}},
                                    std::vector{1U});
  const auto other = summarise(results, options_);
  EXPECT_EQ(other.differences[0].seeds, (std::vector<std::int64_t>{2, 3}));
  ASSERT_EQ(other.notes.size(), 1U);
  EXPECT_NE(other.notes[0].find("measured on other replies"), std::string::npos);
}

TEST_F(RowTestsTest, RunsOnOtherPairsAreNotCompared) {
  options_.evaluate.metrics = {"pair_gain"};
  options_.evaluate.pairs = "pairs";
  GridResults results;
  results.finished.push_back(with_pairs(result(0, 4, "no"), 4, 4));
  results.finished.push_back(with_pairs(result(1, 4, "no"), 2, 6));
  EXPECT_EQ(summarise(results, options_).differences.size(), 1U);
  results.finished[1].measured["pairs"].as_object()["data"] = "other";
  const auto by_data = summarise(results, options_);
  EXPECT_TRUE(by_data.differences.empty());
  EXPECT_NE(by_data.notes.at(0).find("on other replies or pairs"), std::string::npos);
  results.finished[1].measured["pairs"].as_object()["data"] = "d";
  results.finished[1].pairs.pairs.pop_back();
  EXPECT_TRUE(summarise(results, options_).differences.empty());
}

}  // namespace
}  // namespace banter::train
