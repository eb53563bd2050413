#include "train/experiment/cell_files.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace banter::train {
namespace {

class CellFilesTest : public testing::Test {
 protected:
  CellFilesTest() {
    cell_.folder = folder_ / "cell";
    cell_.recipe_key = "r";
    cell_.evaluation_key = "valid";
    files_.begin("s");
    files_.mark_trained("{}");
  }
  tests::TemporaryFolder folder_;
  Cell cell_{.row = "both", .name = "both/seed-1"};
  CellFiles files_{cell_};
};

TEST_F(CellFilesTest, ADoneCellIsDoneForItsOwnKeysAlone) {
  EXPECT_EQ(files_.state("s"), CellState::kTrained);
  files_.mark_done("{}");
  EXPECT_EQ(files_.state("s"), CellState::kDone);
  EXPECT_EQ(files_.state("another store"), CellState::kChanged);
  cell_.evaluation_key = "test";
  EXPECT_EQ(files_.state("s"), CellState::kTrained);
  cell_.recipe_key = "another";
  EXPECT_EQ(files_.state("s"), CellState::kChanged);
}

/// The run that it started from, say, may be gone when it goes on.
TEST_F(CellFilesTest, WhatABegunCellLearnsFromIsNotForgotten) {
  cell_.folder = folder_ / "begun";
  files_.begin("s");
  std::filesystem::create_directories(cell_.run());
  base::write_durably(cell_.run() / "config.yaml", "");
  ASSERT_EQ(files_.state(""), CellState::kBegun);
  files_.begin("");
  EXPECT_EQ(files_.state("s"), CellState::kBegun);
  EXPECT_EQ(files_.state("another"), CellState::kChanged);
}

/// Else a measurement that was stopped would leave its files under the mark of the one before.
TEST_F(CellFilesTest, WhatIsMeasuredAnewIsNotDoneUntilItIs) {
  files_.mark_done("{}");
  cell_.evaluation_key = "test";
  files_.begin_measuring();
  cell_.evaluation_key = "valid";
  EXPECT_EQ(files_.state("s"), CellState::kTrained);
}

TEST_F(CellFilesTest, WhatAKilledMeasurementLeftIsSwept) {
  base::write_durably(cell_.folder / "likelihoods.jsonl.tmp-77", "half");
  base::write_durably(cell_.folder / "sums.jsonl", "{}");
  files_.begin_measuring();
  EXPECT_FALSE(std::filesystem::exists(cell_.folder / "likelihoods.jsonl.tmp-77"));
  EXPECT_FALSE(std::filesystem::exists(cell_.folder / "sums.jsonl"));
  EXPECT_EQ(files_.state("s"), CellState::kTrained);
}

TEST_F(CellFilesTest, AFailureIsForgottenWhenItsCellIsBegunAgain) {
  files_.mark_failed("evaluate", 1, files_.log());
  ASSERT_TRUE(files_.failure());
  files_.begin_measuring();
  EXPECT_FALSE(files_.failure());
  files_.mark_failed("train", 137, files_.log());
  files_.begin("s");
  EXPECT_FALSE(files_.failure());
}

}  // namespace
}  // namespace banter::train
