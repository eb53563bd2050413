// Classifiers of sentence pairs in the same loop as dialogue models.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/checkpoint/load_model.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

class ClassifierTrainingTest : public TrainerTest {
 protected:
  Recipe classifier(const std::string& run, std::vector<std::string> overrides = {}) const {
    overrides.insert(overrides.begin(),
                     "model={type: nli, dim: 12, heads: 2, ffn_dim: 16, encoder_layers: 1}");
    overrides.insert(overrides.begin(), "train.keep_best=[accuracy, loss]");
    return recipe(run, overrides);
  }
};

TEST_F(ClassifierTrainingTest, LearnsItsPairsByHeart) {
  const auto result = train(classifier(
      "run", {"model={type: nli, dim: 32, ffn_dim: 64, dropout: 0}", "train.steps=240",
              "train.lr=0.003", "train.micro_batches=1", "train.validate_every=240",
              "train.save_every=240", "train.valid_split=train", "batch.tokens_per_batch=200"}));
  EXPECT_EQ(result.state.best.at("accuracy").value, 1);
  EXPECT_LT(result.state.best.at("loss").value, 0.1);
}

TEST_F(ClassifierTrainingTest, AnUntrainedOneIsAtChance) {
  const auto result = train(classifier("run", {"train.lr=1e-30", "model.dropout=0"}));
  EXPECT_NEAR(result.state.best.at("loss").value, std::log(3.0), 0.4);
  EXPECT_NEAR(result.state.best.at("accuracy").value, 1.0 / 3, 0.2);
}

TEST_F(ClassifierTrainingTest, AnEpochIsEveryPairOnce) {
  const auto result = train(classifier(
      "run", {"train.steps=0", "train.epochs=2", "train.micro_batches=1", "train.save_every=0"}));
  EXPECT_EQ(result.state.epoch(), 2U);
  EXPECT_EQ(static_cast<std::uint64_t>(result.state.labels), 2 * store().split("train").pairs());
}

TEST_F(ClassifierTrainingTest, ACrashedRunEndsLikeAnUnbrokenOne) {
  const std::vector<std::string> more = {"train.ema_decay=0.9", "train.steps=13"};
  train(classifier("whole", more));
  for (const std::int64_t crash : {1, 6, 11})
    EXPECT_THROW(train(classifier("broken", more), crash), Crash);
  train(classifier("broken", more));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
}

TEST_F(ClassifierTrainingTest, WhatWasTrainedIsLoadedBackAndIsNoDialogueModel) {
  train(classifier("run"));
  const auto name = (place / "run@last").string();
  EXPECT_TRUE(models::is_classifier_run(name));
  const auto loaded = models::load_classifier(name);
  EXPECT_EQ(loaded.type, "nli");
  EXPECT_FALSE(loaded.model->is_training());
  const auto saved = weights(place / "run", 8);
  for (const auto& [parameter, tensor] : models::named_tensors(*loaded.model))
    EXPECT_TRUE(torch::equal(tensor, saved.at(parameter))) << parameter;
  const auto said = problem<base::CheckpointError>([&] { models::load_model(name); });
  EXPECT_NE(said.find("nli classifies sentence pairs and gives no replies"), std::string::npos)
      << said;

  train(recipe("replies"));
  EXPECT_FALSE(models::is_classifier_run((place / "replies").string()));
  EXPECT_THROW(models::load_classifier((place / "replies").string()), base::CheckpointError);
}

TEST_F(ClassifierTrainingTest, ItsValidationIsLoggedInPairs) {
  train(classifier("run"));
  int validations = 0;
  for (const auto& line : log_lines(place / "run/log.jsonl")) {
    if (line.at("event") != "validation") continue;
    ++validations;
    EXPECT_EQ(line.at("pairs").to_number<std::uint64_t>(), store().split("valid").pairs());
    EXPECT_TRUE(line.contains("accuracy") && line.contains("loss"));
  }
  EXPECT_GT(validations, 1);
}

TEST_F(ClassifierTrainingTest, WhatIsOfDialoguesIsRefused) {
  const auto said = [&](const std::string& setting) {
    return problem<base::ConfigError>([&] { (void)classifier("run", {setting}); });
  };
  EXPECT_NE(said("train.keep_best=[ppl]").find("known: accuracy, loss"), std::string::npos);
  EXPECT_NE(said("mix=[{store: x}]").find("is of dialogues"), std::string::npos);
  EXPECT_NE(said("train.pairs_per_dialogue_batch=1").find("pairs alone"), std::string::npos);
  EXPECT_NE(problem<base::ConfigError>([&] {
              (void)recipe("run", {"train.keep_best=[accuracy]"});
            }).find("known: bpb, ppl"),
            std::string::npos);
}

TEST_F(ClassifierTrainingTest, AStoreWithoutPairsIsAnErrorThatSaysWhatToDo) {
  const MadeStore without({.dialogues = 6, .splits = {"train", "valid"}});
  const auto r = classifier("run");
  const RunFolder folder(r.run);
  const auto said =
      problem<base::DataError>([&] { Trainer(folder, r, without.store(), /*quiet=*/true); });
  EXPECT_NE(said.find("prepare a store of Dialogue NLI"), std::string::npos) << said;
}

TEST_F(ClassifierTrainingTest, AModelThatLearnsNothingFromPairsRefusesThem) {
  const auto r = recipe("run", {"train.pairs_per_dialogue_batch=1"});
  const auto said = problem<base::ConfigError>([&] { train(r); });
  EXPECT_NE(said.find("learns nothing from sentence pairs"), std::string::npos) << said;
}

}  // namespace
}  // namespace banter::train
