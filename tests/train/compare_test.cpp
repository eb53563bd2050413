#include "train/compare.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "train/commands.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
using tests::TemporaryFolder;

constexpr auto kLog =
    "{\"event\":\"start\",\"step\":0,\"threads\":2}\n"
    "{\"event\":\"step\",\"step\":2,\"nll\":5,\"seconds\":1}\n"
    "{\"event\":\"validation\",\"step\":2,\"ppl\":7,\"token_accuracy\":0.5,\"best\":true}\n"
    "{\"event\":\"step\",\"step\":4,\"nll\":4.5,\"lr\":0.25,\"seconds\":2,\"labels_per_second\":9}"
    "\n"
    "{\"event\":\"validation\",\"step\":4,\"ppl\":6,\"token_accuracy\":0.5,\"replies\":3}\n"
    "{\"event\":\"validation\",\"step\":6,\"ppl\":6.5,\"token_accuracy\":0.25}\n"
    "{\"event\":\"st";

TEST(FinalFiguresTest, AreTheLastAndTheBestAndNothingThatAClockMeasured) {
  using Figures = std::vector<std::pair<std::string, double>>;
  EXPECT_EQ(final_figures(kLog, "log"), (Figures{{"train/step", 4},
                                                 {"train/nll", 4.5},
                                                 {"train/lr", 0.25},
                                                 {"valid/ppl", 6.5},
                                                 {"valid/token_accuracy", 0.25},
                                                 {"best/ppl", 6},
                                                 {"best/ppl_step", 4},
                                                 {"best/token_accuracy", 0.5},
                                                 {"best/token_accuracy_step", 2}}));
  EXPECT_EQ(final_figures("", "log"), Figures());
  EXPECT_THROW(final_figures("{}\n", "log"), base::DataError);
}

class CompareTest : public testing::Test {
 protected:
  fs::path run(const std::string& name, const std::string& config, const std::string& log) const {
    fs::create_directories(place / name);
    base::write_durably(place / name / "config.yaml", "store: s\nrun: " + name + "\n" + config);
    if (!log.empty()) base::write_durably(place / name / "log.jsonl", log);
    return place / name;
  }
  TemporaryFolder place;
};

TEST_F(CompareTest, SaysWhichKeysDifferAndGivesFiguresSideBySide) {
  const auto a = run("a", "model: {type: hred, hidden_dim: 4}\ntrain: {steps: 4, lr: 0.1}\n", kLog);
  const auto b = run("b", "model: {type: wseq, hidden_dim: 4}\ntrain: {steps: 4, lr: 0.1}\n",
                     "{\"event\":\"step\",\"step\":8,\"kl\":1}\n");
  const auto comparison = compare_configs_and_figures({a, b, a});
  const auto of = [](const auto& table, const std::string& name) {
    const auto row = std::ranges::find(table, name, [](const auto& one) { return one.first; });
    EXPECT_NE(row, table.end()) << name;
    return row->second;
  };
  using Texts = std::vector<std::optional<std::string>>;
  using Numbers = std::vector<std::optional<double>>;
  EXPECT_EQ(of(comparison.settings, "model.type"), (Texts{"hred", "wseq", "hred"}));
  EXPECT_EQ(of(comparison.settings, "model.attention"), (Texts{"both", std::nullopt, "both"}));
  for (const auto& [key, values] : comparison.settings)
    EXPECT_TRUE(key.starts_with("model.")) << key << " is the same in all";
  EXPECT_EQ(of(comparison.figures, "train/step"), (Numbers{4, 8, 4}));
  EXPECT_EQ(of(comparison.figures, "best/ppl"), (Numbers{6, std::nullopt, 6}));
  EXPECT_EQ(of(comparison.figures, "train/kl"), (Numbers{std::nullopt, 1, std::nullopt}));
}

TEST_F(CompareTest, AKeyThatAnOlderVersionDidNotWriteHasItsDefault) {
  const auto a = run("a", "model: {type: hred}\ntrain: {steps: 4}\n", "");
  const auto b = run("b", "model: {type: hred}\ntrain: {steps: 4, optimizer: adamw}\n", "");
  const auto comparison = compare_configs_and_figures({a, b});
  EXPECT_TRUE(comparison.settings.empty());
  EXPECT_TRUE(comparison.figures.empty());
}

TEST_F(CompareTest, IsATableOrJson) {
  RunComparison comparison;
  comparison.runs = {"runs/a", "b"};
  comparison.settings = {{"train.lr", {"0.1", "0.25"}}, {"model.gate", {std::nullopt, "state"}}};
  comparison.figures = {{"valid/ppl", {12.5, std::nullopt}}};
  EXPECT_EQ(to_table(comparison),
            "            runs/a  b\n"
            "train.lr    0.1     0.25\n"
            "model.gate  -       state\n"
            "valid/ppl   12.5    -\n");
  EXPECT_EQ(base::json::serialize(to_json(comparison)),
            R"({"runs":["runs/a","b"],"settings":{"train.lr":["0.1","0.25"],)"
            R"("model.gate":[null,"state"]},"figures":{"valid/ppl":[1.25E1,null]}})");
}

TEST_F(CompareTest, RefusesWhatIsNoRunAndOneAlone) {
  const auto a = run("a", "train: {steps: 4}\n", "");
  EXPECT_THROW(compare_configs_and_figures({a, place / "none"}), base::UsageError);
  EXPECT_THROW(run_compare({a.string()}), base::UsageError);
  base::write_durably(a / "config.yaml", "a: [\n");
  EXPECT_THROW(compare_configs_and_figures({a, a}), base::CheckpointError);
}

}  // namespace
}  // namespace banter::train
