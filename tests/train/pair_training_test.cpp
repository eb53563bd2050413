// Sentence pairs beside dialogues, in the same steps.

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "data/batches/batch.h"
#include "data/batches/pair_stream.h"
#include "models/registry.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

const std::vector<std::string> kStack = {
    "model={type: stack_propagation, dim: 12, heads: 2, ffn_dim: 16, encoder_layers: 1, "
    "decoder_layers: 1, consistency_layers: 1, phase1_steps: 0, pair_weight: 0.5}",
    "train.pairs_per_dialogue_batch=2"};

class PairTrainingTest : public TrainerTest {
 protected:
  Recipe stack(const std::string& run, const std::vector<std::string>& more = {}) const {
    auto overrides = kStack;
    overrides.insert(overrides.end(), more.begin(), more.end());
    return recipe(run, overrides);
  }
  /// The model that a recipe starts from, and its parameters.
  static models::ModelPtr start(const Recipe& r) {
    const auto& tokenizer = store().tokenizer();
    return models::build_model(r.config.root().section("model"),
                               {.size = tokenizer.vocab_size(), .special = tokenizer.special()},
                               r.train.seed);
  }
};

/// With a large eps and no memory a step of AdamW is the gradient itself.
TEST_F(PairTrainingTest, AStepIsTheGradientOfTheWholeFormula) {
  const auto r = stack("run", {"train.steps=1", "train.eps=1000", "train.lr=1000", "train.beta1=0",
                               "train.warmup_steps=0", "train.clip_norm=0", "train.weight_decay=0",
                               "model.dropout=0", "train.save_every=1", "train.valid_split=''"});
  train(r);

  const auto model = start(r);
  const auto& special = store().tokenizer().special();
  data::BatchStream replies(store().split("train"), r.batch, special, r.train.seed);
  data::PairStream pairs(store().split("train"), r.batch, special, data::PairChoice::kDecided,
                         base::join_keys(r.train.seed, base::key_of("pairs")));
  std::map<std::string, torch::Tensor> sums;
  std::map<std::string, std::int64_t> counts;
  const auto add = [&](const std::vector<models::LossSum>& losses) {
    for (const auto& loss : losses) {
      sums[loss.name] = sums.contains(loss.name) ? sums[loss.name] + loss.sum : loss.sum;
      counts[loss.name] += loss.count;
    }
  };
  for (int i = 0; i < 2; ++i) add(model->losses(replies.next()));
  for (int i = 0; i < 4; ++i) add(model->pair_losses(pairs.next()));
  EXPECT_EQ(sums.size(), 4U);
  auto total = torch::zeros({});
  for (const auto& [name, sum] : sums) {
    ASSERT_GT(counts.at(name), 0) << name;
    total = total + sum * (model->loss_weight(name, 0) / static_cast<double>(counts.at(name)));
  }
  total.backward();
  const auto after = weights(r.run, 1);
  for (const auto& parameter : model->named_parameters()) {
    const auto& gradient = parameter.value().grad();
    const auto moved = parameter.value().detach() - after.at(parameter.key());
    const auto expected = gradient.defined() ? gradient : torch::zeros_like(moved);
    EXPECT_TRUE(torch::allclose(moved, expected, 1e-3, 1e-5)) << parameter.key();
  }
}

TEST_F(PairTrainingTest, ACrashedRunEndsLikeAnUnbrokenOne) {
  // The second phase begins at step 5.
  const std::vector<std::string> more = {"model.phase1_steps=4", "train.steps=13",
                                         "train.ema_decay=0.9"};
  train(stack("whole", more));
  for (const std::int64_t crash : {1, 3, 5, 6, 11})
    EXPECT_THROW(train(stack("broken", more), crash), Crash);
  const auto result = train(stack("broken", more));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
  ASSERT_TRUE(result.state.pairs.has_value());
  EXPECT_GT(result.state.pairs->epoch, 0U) << "pairs are gone through again and again";
}

TEST_F(PairTrainingTest, TheFirstPhaseLeavesTheSecondDecoderBitEqual) {
  const auto r = stack("run", {"model.phase1_steps=3", "train.steps=4", "train.save_every=1",
                               "train.keep_last=9", "train.weight_decay=0.5", "train.log_every=1"});
  train(r);
  const auto model = start(r);
  const auto third = weights(r.run, 3), fourth = weights(r.run, 4);
  int later = 0;
  for (const auto& parameter : model->named_parameters()) {
    const auto& name = parameter.key();
    if (model->active_from(name) == 0) continue;
    ++later;
    EXPECT_TRUE(torch::equal(parameter.value(), third.at(name))) << name;
    if (!name.ends_with("key.bias")) {
      EXPECT_FALSE(torch::equal(third.at(name), fourth.at(name))) << name;
    }
  }
  EXPECT_GT(later, 5);
  for (const auto& line : log_lines(r.run / "log.jsonl")) {
    if (line.at("event") != "step") continue;
    EXPECT_EQ(line.contains("unlikelihood"), line.at("step").as_int64() > 3);
    EXPECT_EQ(line.contains("nll_consistency"), line.at("step").as_int64() > 3)
        << "what does not count is not computed";
    EXPECT_TRUE(line.contains("nll"));
  }
}

/// A phase that has no use for the second decoder does not run it, and nothing else changes.
TEST_F(PairTrainingTest, TheFirstPhaseComputesNllAloneBitForBit) {
  const auto r =
      stack("run", {"model.phase1_steps=3", "model.dropout=0.2", "model.share_embeddings=false"});
  const auto model = start(r);
  const auto& special = store().tokenizer().special();
  data::BatchStream replies(store().split("train"), r.batch, special, r.train.seed);
  const auto batch = replies.next();
  const auto gradients = [&](const std::vector<models::LossSum>& losses) {
    model->zero_grad();
    losses.at(0).sum.backward();
    std::map<std::string, torch::Tensor> by_name;
    for (const auto& parameter : model->named_parameters())
      if (parameter.value().grad().defined())
        by_name[parameter.key()] = parameter.value().grad().clone();
    return by_name;
  };
  torch::manual_seed(5);
  const auto all = model->losses(batch);
  torch::manual_seed(5);
  const auto first = model->losses_that_count(batch, 2);
  ASSERT_EQ(first.size(), 1U) << "nll alone";
  EXPECT_EQ(first[0].sum.item<float>(), all[0].sum.item<float>()) << "bit for bit, with dropout";
  const auto expected = gradients(all), got = gradients(first);
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [name, gradient] : expected)
    EXPECT_TRUE(torch::equal(gradient, got.at(name))) << name;
  EXPECT_EQ(model->losses_that_count(batch, 3).size(), 2U) << "the second phase";
}

TEST_F(PairTrainingTest, PairsMayStandInAnotherStoreOfTheSameTokenizer) {
  const MadeStore pairs({.seed = 5,
                         .dialogues = 2,
                         .pairs = 30,
                         .splits = {"nli"},
                         .tokenizer = store().tokenizer()});
  const auto from = [&](const std::string& folder) {
    return stack("run", {"pairs={store: '" + folder + "', split: nli}"});
  };
  EXPECT_TRUE(train(from(pairs.folder().string())).went_on);

  const MadeStore other({.seed = 6, .dialogues = 30, .pairs = 30, .splits = {"nli"}});
  const auto said = problem<base::ConfigError>([&] {
    train(stack("strange", {"pairs={store: '" + other.folder().string() + "', split: nli}"}));
  });
  EXPECT_NE(said.find("pairs.store: "), std::string::npos) << said;
  EXPECT_NE(said.find("another tokenizer"), std::string::npos) << said;
}

TEST_F(PairTrainingTest, OtherPairsUnderTheSameNameAreRefused) {
  const auto r = stack("run", {"pairs={store: '" + (place / "nli").string() + "', split: nli}"});
  const auto put = [&](std::uint64_t seed) {
    const MadeStore made({.seed = seed,
                          .dialogues = 2,
                          .pairs = 30,
                          .splits = {"nli"},
                          .tokenizer = store().tokenizer()});
    fs::remove_all(place / "nli");
    fs::copy(made.folder(), place / "nli", fs::copy_options::recursive);
  };
  put(1);
  EXPECT_THROW(train(r, 5), Crash);
  put(2);
  const auto said = problem<base::CheckpointError>([&] { train(r); });
  EXPECT_NE(said.find("was trained with store"), std::string::npos) << said;
}

}  // namespace
}  // namespace banter::train
