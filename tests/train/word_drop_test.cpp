#include "train/tasks/word_drop.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "models/checkpoint/load_model.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

TEST(WordDropTest, DropsAShareOfTheWordsAndNeitherBosNorPadding) {
  const data::SpecialIds special;
  auto inputs = torch::full({200, 52}, 40, torch::kLong);
  inputs.select(1, 0).fill_(special.bos);
  inputs.select(1, 51).fill_(special.pad);
  const auto before = inputs.clone();
  torch::manual_seed(1);
  const auto dropped = with_words_dropped(inputs, 0.25, special);
  EXPECT_TRUE(torch::equal(inputs, before)) << "the batch is as it was";
  EXPECT_TRUE(torch::equal(dropped.select(1, 0), inputs.select(1, 0)));
  EXPECT_TRUE(torch::equal(dropped.select(1, 51), inputs.select(1, 51)));
  const auto is_unk = dropped.eq(special.unk);
  EXPECT_TRUE(torch::equal(dropped.masked_fill(is_unk, 0), inputs.masked_fill(is_unk, 0)));
  // 10,000 draws: four standard deviations are 0.0173.
  EXPECT_NEAR(is_unk.sum().item<double>() / 10000, 0.25, 0.0174);
  torch::manual_seed(1);
  EXPECT_TRUE(torch::equal(with_words_dropped(inputs, 0.25, special), dropped));
  torch::manual_seed(2);
  EXPECT_FALSE(torch::equal(with_words_dropped(inputs, 0.25, special), dropped));
}

TEST_F(TrainerTest, ACrashedRunWithSmoothedLabelsAndDroppedWordsEndsLikeAnUnbrokenOne) {
  for (const auto* model :
       {"model={type: hred, embed_dim: 6, hidden_dim: 6, dropout_kind: locked, "
        "embedding_dropout: 0.2}",
        "model={type: vhred, hidden_dim: 6, latent_dim: 4, kl_anneal_steps: 5, "
        "dropout_kind: locked}",
        "model={type: stack_propagation, dim: 8, ffn_dim: 8, heads: 2, encoder_layers: 1, "
        "decoder_layers: 1, consistency_layers: 1, phase1_steps: 3, embedding_dropout: 0.1}"}) {
    std::vector<std::string> more = {model, "train.label_smoothing=0.2"};
    if (std::string(model).find("vhred") == std::string::npos)
      more.emplace_back("train.word_drop=0.3");
    train(recipe("whole", more));
    EXPECT_THROW(train(recipe("broken", more), 6), Crash);
    train(recipe("broken", more));
    EXPECT_EQ(contents(place / "whole"), contents(place / "broken")) << model;
    fs::remove_all(place / "whole");
    fs::remove_all(place / "broken");
  }
}

TEST_F(TrainerTest, SmoothingAndDroppingChangeWhatIsLearnedAndNotWhatIsTold) {
  const std::vector<std::string> common = {"train.log_every=1", "train.steps=2", "model.dropout=0"};
  const auto lines = [&](const std::string& run, const std::string& setting) {
    auto more = common;
    if (!setting.empty()) more.push_back(setting);
    train(recipe(run, more));
    std::vector<base::json::object> steps;
    for (auto& line : log_lines(place / run / "log.jsonl"))
      if (line.at("event") == "step") steps.push_back(line);
    return steps;
  };
  const auto plain = lines("plain", ""), smoothed = lines("smoothed", "train.label_smoothing=0.4"),
             dropped = lines("dropped", "train.word_drop=0.5");
  const auto figure = [](const base::json::object& line, const char* name) {
    return line.at(name).to_number<double>();
  };
  EXPECT_FALSE(plain[0].contains("nll_smoothed"));
  EXPECT_NEAR(figure(smoothed[0], "nll"), figure(plain[0], "nll"), 1e-5) << "before any update";
  EXPECT_NE(figure(smoothed[0], "nll_smoothed"), figure(smoothed[0], "nll"));
  EXPECT_NE(figure(smoothed[0], "grad_norm"), figure(plain[0], "grad_norm"));
  EXPECT_NE(figure(smoothed[1], "nll"), figure(plain[1], "nll"));
  EXPECT_NE(figure(dropped[0], "nll"), figure(plain[0], "nll"));
}

/// The perplexity that a run is judged by is that of the labels themselves.
TEST_F(TrainerTest, SmoothingLeavesTheFirstPerplexityAsItIs) {
  const std::vector<std::string> still = {"train.lr=1e-30", "train.steps=1", "model.dropout=0"};
  auto smooth = still;
  smooth.emplace_back("train.label_smoothing=0.5");
  const auto plain = train(recipe("plain", still)), other = train(recipe("smooth", smooth));
  EXPECT_EQ(plain.state.best.at("ppl").value, other.state.best.at("ppl").value);
}

}  // namespace
}  // namespace banter::train
