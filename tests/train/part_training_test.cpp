// Training on a part of the dialogues and of the pairs.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/batches/dropped_dialogues.h"
#include "data/batches/pair_order.h"
#include "data/batches/part.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

const std::vector<std::string> kStack = {
    "model={type: stack_propagation, dim: 12, heads: 2, ffn_dim: 16, encoder_layers: 1, "
    "decoder_layers: 1, consistency_layers: 1, phase1_steps: 2}",
    "train.pairs_per_dialogue_batch=1"};

class PartTrainingTest : public TrainerTest {
 protected:
  Recipe stack(const std::string& run, const std::vector<std::string>& more) const {
    auto overrides = kStack;
    overrides.insert(overrides.end(), more.begin(), more.end());
    return recipe(run, overrides);
  }
  static base::json::object start_of(const Recipe& r) {
    return log_lines(r.run / "log.jsonl").front();
  }
  static std::string hash_of(const Recipe& r) {
    const auto file = r.run / "LAST";
    const auto step = models::pointed_step(r.run, "LAST");
    const auto state = r.run / ("step-" + std::to_string(step)) / "state.json";
    return TrainState::from_json(base::read_file(state), file.string()).store;
  }
  std::string complaint(const std::vector<std::string>& overrides) const {
    return problem<base::Error>([&] { train(stack("bad", overrides)); });
  }
};

TEST_F(PartTrainingTest, ACrashedRunEndsLikeAnUnbrokenOne) {
  const std::vector<std::string> more = {"train.fraction=0.4", "pairs.fraction=0.5",
                                         "train.steps=13"};
  train(stack("whole", more));
  for (const std::int64_t crash : {1, 3, 6, 11})
    EXPECT_THROW(train(stack("broken", more), crash), Crash);
  const auto result = train(stack("broken", more));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
  EXPECT_GT(result.state.epoch(), 0U) << "the part is gone through again and again";
}

TEST_F(PartTrainingTest, TheLogSaysWhatItLearnsFromAndEveryModelLearnsFromTheSame) {
  const auto& split = store().split("train");
  const auto whole = stack("whole", {});
  train(whole);
  EXPECT_EQ(start_of(whole).at("dialogues"), split.dialogues());
  const auto expected = data::dialogues_of(split, {.fraction = 0.5, .seed = 7}).size();
  const std::vector<std::string> half = {"train.fraction=0.5", "train.fraction_seed=7",
                                         "pairs.fraction=0.25"};
  const auto part = stack("part", half);
  train(part);
  const auto other = recipe("other", {half[0], half[1], "train.seed=9"});
  train(other);
  EXPECT_EQ(start_of(part).at("dialogues"), expected);
  EXPECT_EQ(start_of(other).at("dialogues"), expected);
  EXPECT_EQ(start_of(other).at("replies"), start_of(part).at("replies"));
  EXPECT_FALSE(start_of(other).contains("pairs"));
  EXPECT_LT(start_of(part).at("pairs").to_number<int>(),
            start_of(whole).at("pairs").to_number<int>() / 2);

  EXPECT_EQ(hash_of(whole), store().hash());
  EXPECT_NE(hash_of(part), hash_of(whole));
  EXPECT_NE(hash_of(other), hash_of(part)) << "without the pairs";
}

TEST_F(PartTrainingTest, AnEpochIsThePartAlone) {
  const auto result = train(recipe("run", {"train.fraction=0.5", "train.steps=0", "train.epochs=2",
                                           "train.micro_batches=1", "batch.max_reply_tokens=100"}));
  std::uint64_t labels = 0;
  const auto& split = store().split("train");
  const auto part = data::dialogues_of(split, {.fraction = 0.5});
  for (std::uint64_t i = 0; i < part.size(); ++i) {
    const auto view = split.dialogue(part[i]);
    for (std::uint32_t turn = 1; turn < view.turns; ++turn)
      labels += split.turn_length(view.first_turn + turn) + 1;
  }
  EXPECT_EQ(static_cast<std::uint64_t>(result.state.labels), 2 * labels);
}

TEST_F(PartTrainingTest, AClassifierLearnsFromThePairsOfAPart) {
  const auto classifier =
      recipe("run", {"train.fraction=0.5", "train.keep_best=[accuracy]",
                     "model={type: nli, dim: 12, heads: 2, ffn_dim: 16, encoder_layers: 1}"});
  train(classifier);
  const auto& split = store().split("train");
  const auto pairs =
      data::pairs_of(split, data::chosen_pairs(split, data::PairChoice::kAll), {.fraction = 0.5});
  EXPECT_LT(pairs.size(), split.pairs());
  EXPECT_EQ(start_of(classifier).at("pairs"), pairs.size());
  EXPECT_NE(hash_of(classifier), store().hash());
}

TEST_F(PartTrainingTest, PairsOfDroppedDialoguesAreCountedOrLeftOut) {
  const auto& split = store().split("train");
  const std::vector<std::string> half = {"train.fraction=0.5"};
  data::DroppedDialogues dropped;
  dropped.add(split, {.fraction = 0.5});
  std::uint64_t made = 0;
  const auto decided = data::chosen_pairs(split, data::PairChoice::kDecided);
  for (const auto pair : decided) made += dropped.made(split.pair_record(pair)) ? 1 : 0;
  ASSERT_GT(made, 0U);
  ASSERT_LT(made, decided.size());
  const auto all = stack("all", {half[0]});
  train(all);
  EXPECT_EQ(start_of(all).at("pairs"), decided.size());
  EXPECT_EQ(start_of(all).at("pairs_of_dropped"), made);
  const auto without = stack("without", {half[0], "pairs.exclude=dropped"});
  train(without);
  EXPECT_EQ(start_of(without).at("pairs"), decided.size() - made);
  EXPECT_EQ(start_of(without).at("pairs_of_dropped"), 0);
  EXPECT_NE(hash_of(without), hash_of(all));
  const auto whole = stack("whole", {"pairs.exclude=dropped"});
  train(whole);
  EXPECT_EQ(start_of(whole).at("pairs"), decided.size()) << "nothing is dropped";
  EXPECT_FALSE(start_of(whole).contains("pairs_of_dropped"));
}

TEST_F(PartTrainingTest, AnotherPartUnderTheSameNameIsRefused) {
  train(stack("run", {"train.fraction=0.5"}));
  const auto said = problem<base::Error>([&] { train(stack("run", {"train.fraction=0.25"})); });
  EXPECT_NE(said.find("train.fraction"), std::string::npos) << said;
}

TEST_F(PartTrainingTest, WhatIsNoPartIsToldWithItsKey) {
  for (const auto* value : {"0", "-0.5", "1.5"}) {
    EXPECT_NE(complaint({"train.fraction=" + std::string(value)}).find("train.fraction: "),
              std::string::npos);
    EXPECT_NE(complaint({"pairs.fraction=" + std::string(value)}).find("pairs.fraction: "),
              std::string::npos);
  }
  EXPECT_NE(complaint({"train.fraction_seed=-1"}).find("train.fraction_seed: "), std::string::npos);
  EXPECT_NE(complaint({"pairs.exclude=all"}).find("pairs.exclude: "), std::string::npos);
  EXPECT_NE(complaint({"pairs.fraction=0.5", "train.keep_best=[accuracy]",
                       "model={type: nli, dim: 12, heads: 2, ffn_dim: 16, encoder_layers: 1}"})
                .find("pairs: "),
            std::string::npos)
      << "a classifier takes train.fraction";
}

/// A part always has a group; whether it has a reply depends on which.
TEST_F(PartTrainingTest, APartWithoutAReplyIsAnError) {
  const auto& split = store().split("train");
  ASSERT_EQ(split.dialogue(0).turns, 1U);
  int seed = 0;
  while (data::dialogues_of(split,
                            {.fraction = 0.01, .seed = static_cast<std::uint64_t>(seed)})[0] != 0)
    ++seed;
  const auto said =
      complaint({"train.fraction=0.01", "train.fraction_seed=" + std::to_string(seed)});
  EXPECT_NE(said.find("no turn of 1 dialogues is a reply"), std::string::npos) << said;
}

}  // namespace
}  // namespace banter::train
