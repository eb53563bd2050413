#include "train/experiment/cell.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace banter::train {
namespace {

class CellTest : public testing::Test {
 protected:
  /// The options of an experiment of one row.
  [[nodiscard]] ExperimentOptions options(const std::string& metrics) const {
    base::write_durably(folder_ / "e.yaml",
                        "folder: grid\n"
                        "recipe: {store: s, model: {type: hred}, train: {steps: 2}}\n"
                        "rows: {none: {model.attention: none}}\n"
                        "evaluate: {metrics: " +
                            metrics + "}\n");
    return ExperimentOptions::load(folder_ / "e.yaml", {});
  }
  /// What `banter evaluate` is asked for of the cell; "" when by no name.
  static std::string asked(const ExperimentOptions& options) {
    const auto arguments = measure_arguments(cells_of(options).at(0), options);
    const auto at = std::ranges::find(arguments, "--metrics");
    return at == arguments.end() ? "" : *(at + 1);
  }
  static std::string key(const ExperimentOptions& options) {
    return cells_of(options).at(0).evaluation_key;
  }

  tests::TemporaryFolder folder_;
};

/// Else a column that is added later would have no value in the rows of n-grams and references.
TEST_F(CellTest, AllThatCostsNoFurtherPassIsMeasuredWhateverTheColumnsAre) {
  EXPECT_EQ(asked(options("[ppl]")), "");
  const auto some = options("[ppl, perturb_reverse_turns, hits_2]");
  const auto others = options("[hits_2, bleu, bpb, perturb_reverse_turns]");
  EXPECT_EQ(asked(some), "usual,hits_2,perturb_reverse_turns");
  EXPECT_EQ(asked(others), asked(some));
  EXPECT_EQ(key(others), key(some)) << "nothing is to be measured anew";
  EXPECT_NE(key(options("[ppl, perturb_reverse_turns, hits_5]")), key(some));
}

}  // namespace
}  // namespace banter::train
