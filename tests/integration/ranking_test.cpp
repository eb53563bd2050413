// hits@k of a persona model on ConvAI2's form, by the built program.

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::array kThings = {"cats", "dogs", "birds", "fish", "horses", "snakes"};

/// ConvAI2 text with candidates: what is asked is always the same, and the persona alone tells the
/// answer.
void write_convai2(const fs::path& file, std::size_t dialogues) {
  std::ofstream corpus(file);
  for (std::size_t d = 0; d < dialogues; ++d) {
    const std::string likes = kThings[d % kThings.size()];
    corpus << "1 your persona: i like " << likes << " .\n2 your persona: i live in a house .\n"
           << "3 what do you like ?\ti like " << likes << " .\t\t";
    for (const auto* thing : kThings)
      if (likes != thing) corpus << "i like " << thing << " .|";
    corpus << "i like " << likes << " .\n";
  }
}

class RankingProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    write_convai2(folder_ / "train.txt", 120);
    write_convai2(folder_ / "valid.txt", 30);
    base::write_durably(
        folder_ / "recipe.yaml",
        "store: store\nrun: run\nthreads: 1\n"
        "data:\n"
        "  sources: [{path: train.txt, split: train}, {path: valid.txt, split: valid}]\n"
        "  tokenizer: {vocab_size: 320}\n"
        "batch: {tokens_per_batch: 200}\n"
        "model: {type: stack_propagation, dim: 16, heads: 2, ffn_dim: 32, encoder_layers: 1,\n"
        "  decoder_layers: 1, consistency_layers: 1, phase1_steps: 60, consistency_weight: 1,\n"
        "  dropout: 0}\n"
        "train: {steps: 200, lr: 0.01, warmup_steps: 10, validate_every: 100}\n");
    (void)banter("prepare recipe.yaml --quiet");
  }
  std::string banter(const std::string& arguments) {
    const auto result =
        run({"bash", "-c",
             "cd '" + folder_.path().string() + "' && exec '" + BANTER_PROGRAM + "' " + arguments});
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.err;
    return result.out;
  }
  /// hits_1 of the stack after a training with these overrides.
  double first(const std::string& overrides) {
    (void)banter("train recipe.yaml --quiet --restart " + overrides);
    const auto answer = base::parse_json(
        banter("evaluate run --metrics hits_1 --replies 0 --quiet --json --threads 1"), "answer");
    const auto& ranking = answer.at("ranking").as_object();
    EXPECT_EQ(ranking.at("replies").to_number<int>(), 30);
    EXPECT_EQ(ranking.at("candidates").at("fewest").to_number<int>(), 6);
    EXPECT_NEAR(ranking.at("hits_1").at("chance").to_number<double>(), 1.0 / 6, 1e-9);
    return ranking.at("hits_1").at("value").to_number<double>();
  }
  TemporaryFolder folder_;
};

TEST_F(RankingProgramTest, AStackRanksByThePersona) {
  EXPECT_GT(first(""), 0.5);
  EXPECT_NEAR(first("--set batch.persona=none"), 1.0 / 6, 1e-9)
      << "without it all contexts are one, and one answer is the first of all";
}

}  // namespace
}  // namespace banter::tests
