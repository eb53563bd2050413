#include "train/experiment/cell.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "tests/batch/made_store.h"
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

/// What follows an option in the arguments that measure; "no" where it is not there.
std::string after(const ExperimentOptions& options, const std::string& option) {
  const auto arguments = measure_arguments(cells_of(options).at(0), options);
  const auto at = std::ranges::find(arguments, option);
  return at == arguments.end() ? "no" : *(at + 1);
}

TEST_F(CellTest, SentencePairsAreThoseOfAStoreOrOfTheCellsOwn) {
  const auto none = options("[ppl]");
  EXPECT_EQ(after(none, "--pairs"), "no");
  const auto own = options("[ppl, pair_gain], pairs: \"\", pairs_split: dev");
  EXPECT_EQ(after(own, "--pairs"), "s");
  EXPECT_EQ(after(own, "--pairs-split"), "dev");
  EXPECT_EQ(after(own, "--write-pairs"), "grid/cells/none/seed-1/pairs.jsonl");
  const auto given = options("[ppl, ppl_d1.delta_p], pairs: stores/dnli");
  EXPECT_EQ(after(given, "--pairs"), "stores/dnli");
  EXPECT_EQ(after(given, "--pairs-split"), "valid");
  EXPECT_EQ(key(options("[ppl], pairs: stores/dnli")), key(given)) << "columns alone";
  for (const auto* other : {"[ppl]", "[ppl], pairs: \"\"", "[ppl], pairs: stores/mnli",
                            "[ppl], pairs: stores/dnli, pairs_split: test"})
    EXPECT_NE(key(options(other)), key(given)) << other;
}

TEST_F(CellTest, OtherWordsAreMeasuredAnew) {
  const auto usual = options("[bleu]");
  EXPECT_EQ(after(usual, "--tokenize"), "no");
  EXPECT_EQ(key(options("[bleu], tokenize: 13a")), key(usual)) << "as if it were not named";
  const auto characters = options("[bleu], tokenize: char");
  EXPECT_EQ(after(characters, "--tokenize"), "char");
  EXPECT_NE(key(characters), key(usual));
  EXPECT_THROW((void)options("[bleu], tokenize: zh"), configs::ConfigError);
}

TEST_F(CellTest, AnotherStoreOfPairsUnderTheSameNameIsMeasuredAnew) {
  const auto store = folder_ / "pairs";
  const auto asked = "[ppl, pair_gain], pairs: " + store.string();
  const auto before = key(options(asked));
  {
    const tests::MadeStore made({.seed = 1, .dialogues = 2, .pairs = 6});
    std::filesystem::copy(made.folder(), store, std::filesystem::copy_options::recursive);
  }
  const auto first = key(options(asked));
  EXPECT_NE(first, before) << "it was not there";
  std::filesystem::remove_all(store);
  {
    const tests::MadeStore made({.seed = 2, .dialogues = 2, .pairs = 6});
    std::filesystem::copy(made.folder(), store, std::filesystem::copy_options::recursive);
  }
  EXPECT_NE(key(options(asked)), first);
}

TEST_F(CellTest, MetricsOfPairsNeedPairs) {
  for (const auto* metrics : {"[ppl, pair_gain]", "[ppl_d1.delta_p]"}) try {
      (void)options(metrics);
      FAIL() << metrics;
    } catch (const configs::ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find("needs sentence pairs: give `evaluate.pairs`"),
                std::string::npos)
          << error.what();
    }
  EXPECT_THROW((void)options("[ppl_d9.delta_p], pairs: x"), configs::ConfigError);
}

TEST_F(CellTest, ClassifiersAreMeasuredByTheirOwnMetrics) {
  const auto of = [&](const std::string& evaluate, const std::string& more = "") {
    base::write_durably(folder_ / "e.yaml",
                        "folder: grid\n"
                        "recipe: {store: s, model: {type: nli}, train: {steps: 2}}\n"
                        "rows: {one: {model.encoder_layers: 1}" +
                            more + "}\nevaluate: " + evaluate + "\n");
    return ExperimentOptions::load(folder_ / "e.yaml", {});
  };
  const auto both = of("{metrics: [accuracy, loss], split: dev}");
  EXPECT_EQ(measure_arguments(cells_of(both).at(0), both),
            (std::vector<std::string>{"evaluate", "grid/cells/one/seed-1/run", "--split", "dev",
                                      "--write-sums", "grid/cells/one/seed-1/sums.jsonl", "--quiet",
                                      "--json"}));
  EXPECT_EQ(key(both), key(of("{metrics: [loss], split: dev, replies: 3}"))) << "columns alone";
  EXPECT_NE(key(both), key(of("{metrics: [loss]}")));

  const auto error_of = [&](const ExperimentOptions& options) -> std::string {
    try {
      (void)cells_of(options);
    } catch (const configs::ConfigError& error) {
      return error.what();
    }
    return "no error";
  };
  const auto usual = error_of(of("{}"));
  EXPECT_TRUE(usual.starts_with("row one: model.type is a classifier")) << usual;
  EXPECT_NE(usual.find("the metric ppl means nothing"), std::string::npos) << usual;
  EXPECT_NE(error_of(of("{metrics: [loss], pairs: s}")).find("evaluate.pairs"), std::string::npos);
  EXPECT_NE(error_of(of("{metrics: [loss], tokenize: char}")).find("evaluate.tokenize"),
            std::string::npos);
  EXPECT_NE(error_of(of("{metrics: [loss], decoding: {beam_size: 2}}")).find("evaluate.decoding"),
            std::string::npos);
  const auto mixed = error_of(of("{metrics: [loss]}", ", two: {model: {type: hred}}"));
  EXPECT_TRUE(mixed.starts_with("row two: evaluate.metrics: loss is of classifiers")) << mixed;
}

}  // namespace
}  // namespace banter::train
