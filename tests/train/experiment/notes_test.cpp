#include "train/experiment/notes.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/train/experiment/finished_runs.h"
#include "train/experiment/comparison_report.h"

namespace banter::train {
namespace {

class NotesTest : public FinishedRuns {};
class NotesOnAnAxisTest : public RunsOnAnAxis {};

TEST_F(NotesOnAnAxisTest, RunsOnOtherPartsHaveOtherLabels) {
  for (std::size_t i = 0; i < 4; ++i) {
    results_.finished[i].facts.labels = i % 2 == 0 ? 100 : 90;
    results_.finished[i].facts.learned_from = {{"dialogues", i % 2 == 0 ? 8 : 1},
                                               {"replies", i % 2 == 0 ? 80 : 10}};
  }
  EXPECT_TRUE(summarise(results_, options_).notes.empty()) << "orders differ by what is learned";
  const auto text =
      to_markdown(comparison_document(results_, summarise(results_, options_), options_));
  EXPECT_NE(text.find("| full-fraction-0.125/seed-1 | 1 | 10 | - | - | 10 | 90 |"),
            std::string::npos)
      << text;
  results_.finished[3].facts.labels = 91;
  const auto notes = summarise(results_, options_).notes;
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(
      notes[0].find("seed 1 on 10 examples learned from different numbers of labels (90 to 91)"),
      std::string::npos)
      << notes[0];
}

TEST_F(NotesTest, UnequalWorkIsSaid) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 2, "yes"));
  results.finished[1].facts.labels = 120;
  results.finished[1].facts.why = "minutes";
  const auto summary = summarise(results, options_);
  ASSERT_EQ(summary.notes.size(), 2U);
  EXPECT_NE(summary.notes[0].find("seed 1 learned from different numbers of labels (100 to 120)"),
            std::string::npos);
  EXPECT_NE(summary.notes[1].find("stopped by the clock"), std::string::npos);
}

TEST_F(NotesTest, HowRunsWereMeasuredAndChosenIsSaid) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  results.finished.push_back(result(1, 2, "yes"));
  results.finished[1].measured_by = "2";
  cells_[0].valid_split = "valid";
  const auto notes = summarise(results, options_).notes;
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[0], "The runs were measured by different versions of the program.");
  EXPECT_NE(notes[1].find("chosen on the split valid, on which they are measured"),
            std::string::npos);
  options_.evaluate.split = "test";
  EXPECT_EQ(summarise(results, options_).notes.size(), 1U);
}

TEST_F(NotesTest, ClassifiersAreChosenByPairs) {
  options_.evaluate.metrics = {"accuracy"};
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  cells_[0].valid_split = "valid";
  cells_[0].judged_on = JudgedOn::kPairs;
  EXPECT_EQ(notes_on(results, options_.evaluate, {}),
            (std::vector<std::string>{
                "The best checkpoints were chosen on the split valid, on which they are measured: "
                "on other pairs all rows would probably be a little worse."}));
}

/// Validation reads the replies of a dialogue model's split, never its pairs.
TEST_F(NotesTest, PairsBesideTheDialoguesThatChoseAreSaid) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  cells_[0].valid_split = "valid";
  cells_[0].store = "stores/own";
  auto& evaluate = options_.evaluate;
  evaluate.split = "test";
  evaluate.metrics = {"ppl", "ppl_d1.pair_gain"};
  for (const auto* own : {"", "stores/own"}) {
    evaluate.pairs = own;
    const auto notes = notes_on(results, evaluate, {});
    ASSERT_EQ(notes.size(), 1U) << own;
    EXPECT_TRUE(
        notes[0].starts_with("The best checkpoints were chosen by the dialogues of the "
                             "split valid, in which the measured pairs stand, too:"))
        << notes[0];
  }
  const auto count = [&] { return notes_on(results, evaluate, {}).size(); };
  evaluate.pairs_split = "test";
  EXPECT_EQ(count(), 0U);
  evaluate.pairs_split = "valid";
  evaluate.pairs = "stores/dnli";
  EXPECT_EQ(count(), 0U) << "no dialogue of theirs chose";
  evaluate.pairs = "";
  evaluate.checkpoint = "last";
  EXPECT_EQ(count(), 0U);
  evaluate.checkpoint = "best";
  evaluate.metrics = {"ppl"};
  EXPECT_EQ(count(), 0U) << "no pair is measured";
}

TEST_F(NotesTest, ASplitOnWhichNothingIsMeasuredIsNotNamed) {
  GridResults results;
  results.finished.push_back(result(0, 4, "no"));
  cells_[0].valid_split = "valid";
  options_.evaluate.metrics = {"pair_gain"};
  options_.evaluate.pairs = "stores/dnli";
  EXPECT_TRUE(notes_on(results, options_.evaluate, {}).empty());
}

TEST_F(NotesTest, JudgedReferencesAreThoseOfTheFirstRunThatHasThem) {
  const std::vector<Column> columns = {{.name = "c_score", .what = ""}};
  GridResults results;
  for (const std::size_t cell : {0U, 1U, 2U}) results.finished.push_back(result(cell, 4, "no"));
  const auto judge = [&](std::size_t run, double value) {
    results.finished[run].measured["reference"] = {{"c_score", {{"value", value}}}};
  };
  EXPECT_TRUE(notes_on(results, options_.evaluate, columns).empty()) << "none is judged yet";
  judge(1, 0.25);
  const std::vector<std::string> said = {
      "The corpus's own replies have c_score 0.250, judged by the same classifier."};
  EXPECT_EQ(notes_on(results, options_.evaluate, columns), said);
  judge(2, 0.25);
  EXPECT_EQ(notes_on(results, options_.evaluate, columns), said);
  judge(2, 0.35);
  EXPECT_TRUE(notes_on(results, options_.evaluate, columns).empty()) << "of which corpus?";
}

}  // namespace
}  // namespace banter::train
