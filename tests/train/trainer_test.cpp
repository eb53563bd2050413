#include "train/trainer.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/batches/batch.h"
#include "models/checkpoint/load_model.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/run.h"
#include "models/registry.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

/// A model, and the steps that it needs.
using Learned = std::pair<const char*, int>;

class LearningTest : public TrainerTest, public testing::WithParamInterface<Learned> {};

TEST_P(LearningTest, LearnsTenDialoguesByHeart) {
  const MadeStore ten({.dialogues = 10, .most_turns = 4, .most_words = 6, .personas = false});
  const RunFolder folder(place / "run");
  const auto [model, count] = GetParam();
  const auto steps = std::to_string(count);
  const auto r = recipe(
      "run", {std::string("model={") + model + "}", "train.steps=" + steps, "train.lr=0.01",
              "train.micro_batches=1", "train.schedule=constant", "train.validate_every=" + steps,
              "train.save_every=" + steps, "train.valid_split=train", "train.weight_decay=0",
              "model.dropout=0", "batch.tokens_per_batch=4000"});
  Trainer trainer(folder, r, ten.store(), true);
  const auto result = trainer.run();
  EXPECT_EQ(result.why, "steps");
  EXPECT_LT(std::log(result.state.best.at("ppl").value), 0.05);
}

INSTANTIATE_TEST_SUITE_P(
    Models, LearningTest,
    testing::Values(
        Learned{"type: hran, embed_dim: 32, hidden_dim: 48", 700},
        Learned{"type: hred, embed_dim: 32, hidden_dim: 48", 700},
        Learned{
            "type: hred, embed_dim: 32, hidden_dim: 48, layers: 2, bidirectional: true, tied: true",
            450},
        Learned{"type: hred, embed_dim: 32, hidden_dim: 48, encoder: transformer", 450},
        Learned{"type: recosa, dim: 48, ffn_dim: 96, decoder_layers: 2", 450},
        Learned{"type: transformer, dim: 48, ffn_dim: 96", 450},
        Learned{"type: vhred, embed_dim: 32, hidden_dim: 48, kl_anneal_steps: 0, word_drop: 0",
                450},
        Learned{"type: wseq, embed_dim: 32, hidden_dim: 48", 700}),
    [](const auto& which) { return "Model" + std::to_string(which.index); });

/// The divergence alone moves the prior, and at the first step it does not count yet.
TEST_F(TrainerTest, ALossCountsAsMuchAsItsModelSaysAtThatStep) {
  const std::string vhred = "model={type: vhred, hidden_dim: 6, kl_anneal_steps: 100}";
  const auto r = recipe("run", {vhred, "train.steps=2", "train.save_every=1", "train.log_every=1"});
  train(r);
  const auto prior = [&](std::int64_t step) {
    return weights(r.run, step).at("prior.mean.bias").abs().sum().item<double>();
  };
  EXPECT_EQ(prior(1), 0);
  EXPECT_GT(prior(2), 0);
  EXPECT_GT(log_lines(r.run / "log.jsonl").at(1).at("kl").as_double(), 0);  // told unweighted
}

TEST_F(TrainerTest, SeveralMicroBatchesMakeTheStepOfOneBatch) {
  // One epoch as one batch, or cut into k: AdamW with a large eps moves along the gradient.
  const std::vector<std::string> common = {
      "train.steps=1",     "train.eps=1000",       "train.lr=1000",   "train.warmup_steps=0",
      "train.clip_norm=0", "train.weight_decay=0", "model.dropout=0", "train.log_every=1",
      "train.beta1=0",     "train.save_every=1"};
  auto whole = common, cut = common;
  whole.insert(whole.end(), {"batch.tokens_per_batch=100000", "train.micro_batches=1"});
  const auto options = recipe("x", {"batch.tokens_per_batch=50"}).batch;
  data::BatchStream stream(store().split("train"), options, store().tokenizer().special(), 1);
  int batches = 0;
  for (; stream.position().epoch == 0; ++batches) stream.next();
  ASSERT_GT(batches, 3);
  cut.insert(cut.end(),
             {"batch.tokens_per_batch=50", "train.micro_batches=" + std::to_string(batches)});
  train(recipe("whole", whole));
  train(recipe("cut", cut));

  const auto a = weights(place / "whole", 1), b = weights(place / "cut", 1);
  for (const auto& [name, tensor] : a)
    EXPECT_TRUE(torch::allclose(tensor, b.at(name), 1e-4, 1e-5)) << name;
  const auto line = [&](const char* run) { return log_lines(place / run / "log.jsonl").at(1); };
  for (const auto* figure : {"nll", "grad_norm"})
    EXPECT_NEAR(line("whole").at(figure).as_double(), line("cut").at(figure).as_double(), 1e-4)
        << figure;
}

TEST_F(TrainerTest, ALongGradientIsCutToClipNorm) {
  // With a large eps and no memory a step of AdamW is the gradient itself.
  const auto r =
      recipe("run", {"train.steps=1", "train.eps=1000", "train.lr=1000", "train.beta1=0",
                     "train.warmup_steps=0", "train.weight_decay=0", "train.clip_norm=0.05"});
  train(r);
  const auto& tokenizer = store().tokenizer();
  const auto start =
      models::build_model(r.config.root().section("model"),
                          {.size = tokenizer.vocab_size(), .special = tokenizer.special()}, 1);
  const auto before = models::named_tensors(*start);
  double squares = 0;
  for (const auto& [name, tensor] : weights(r.run, 1))
    squares += (tensor - before.at(name)).square().sum().item<double>();
  EXPECT_NEAR(std::sqrt(squares), 0.05, 1e-4);
}

TEST_F(TrainerTest, WhatWasTrainedIsLoadedBack) {
  train(recipe("run", {"train.ema_decay=0.5"}));
  const auto loaded = models::load_model((place / "run@last").string());
  EXPECT_EQ(loaded.type, "hred");
  EXPECT_EQ(loaded.checkpoint.step, 8);
  EXPECT_EQ(loaded.batch.max_context_turns, 3);
  EXPECT_EQ(loaded.tokenizer.hash(), store().tokenizer().hash());
  EXPECT_FALSE(loaded.model->is_training());
  const auto saved = weights(place / "run", 8);
  for (const auto& [name, tensor] : models::named_tensors(*loaded.model))
    EXPECT_TRUE(torch::equal(tensor, saved.at(name))) << name;

  const auto averaged =
      models::load_model((place / "run@ema").string(), torch::kCPU, torch::kDouble);
  EXPECT_TRUE(averaged.checkpoint.use_ema);
  EXPECT_EQ(averaged.model->parameters().front().scalar_type(), torch::kDouble);
  EXPECT_FALSE(torch::equal(averaged.model->parameters().front().to(torch::kFloat),
                            loaded.model->parameters().front()));
}

TEST_F(TrainerTest, EarlyStopCountsValidationsWithoutANewBest) {
  // Nothing is learned at a rate near 0 without dropout: the first validation stays the best.
  const auto result = train(recipe("run", {"train.steps=0", "train.patience=3", "train.lr=1e-30",
                                           "train.validate_every=2", "model.dropout=0"}));
  EXPECT_EQ(result.why, "patience");
  EXPECT_EQ(result.state.step, 2 * (1 + 3));
  EXPECT_EQ(models::pointed_step(place / "run", "CURRENT"), 2);
}

TEST_F(TrainerTest, OnlyANewBestIsToldAsOne) {
  train(recipe("run",
               {"train.steps=3", "train.lr=1e-30", "train.validate_every=2", "model.dropout=0"}));
  std::map<std::int64_t, bool> best;
  for (const auto& line : log_lines(place / "run/log.jsonl"))
    if (line.at("event") == "validation")
      best[line.at("step").as_int64()] = line.at("best").as_bool();
  EXPECT_EQ(best, (std::map<std::int64_t, bool>{{2, true}, {3, false}}));
}

TEST_F(TrainerTest, AnEpochEndsAtTheLastBatchOfTheSplit) {
  const auto result = train(recipe(
      "run", {"train.steps=0", "train.epochs=2", "train.save_every=0", "train.validate_every=0"}));
  EXPECT_EQ(result.why, "epochs");
  EXPECT_EQ(result.state.epoch(), 2U);
  int validations = 0;
  for (const auto& line : log_lines(place / "run/log.jsonl"))
    if (line.at("event") == "validation") ++validations;
  EXPECT_EQ(validations, 2);
}

TEST_F(TrainerTest, AStepWithoutAFiniteGradientIsSkippedAndTooManyEndTheRun) {
  const auto r = recipe("run", {"train.lr=1e38", "train.warmup_steps=0", "train.max_bad_steps=3",
                                "train.valid_split=''", "train.steps=50", "train.save_every=100"});
  const auto said = problem<base::Error>([&] { train(r); });
  EXPECT_NE(said.find("not finite for 3 steps in a row"), std::string::npos) << said;
}

TEST_F(TrainerTest, TheLogHoldsNoStepTwice) {
  const auto r = recipe("run");
  EXPECT_THROW(train(r, 7), Crash);
  train(r);
  std::map<std::int64_t, int> times;
  for (const auto& line : log_lines(place / "run/log.jsonl"))
    if (line.at("event") == "step") ++times[line.at("step").as_int64()];
  EXPECT_EQ(times, (std::map<std::int64_t, int>{{2, 1}, {4, 1}, {6, 1}, {8, 1}}));
}

/// A key of `train` with a value that must change what the run leaves, and what must be set beside
/// it in both runs.
struct OptionCase {
  const char* key;
  const char* value;
  std::vector<std::string> beside;
};

class TrainOptionTest : public TrainerTest, public testing::WithParamInterface<OptionCase> {};

TEST_F(TrainerTest, TheSameRecipeLeavesTheSameRun) {
  EXPECT_EQ(left_by("one", {}), left_by("other", {}));
}

TEST_P(TrainOptionTest, ChangesTheRun) {
  const auto& option = GetParam();
  auto changed = option.beside;
  changed.push_back("train." + std::string(option.key) + "=" + option.value);
  EXPECT_NE(left_by("before", option.beside), left_by("after", changed));
}

const std::vector<std::string> kLinear = {"train.schedule=linear", "train.schedule_steps=9"};
const std::vector<std::string> kStack = {
    "model={type: stack_propagation, dim: 8, heads: 2, ffn_dim: 8, encoder_layers: 1, "
    "decoder_layers: 1, consistency_layers: 1, phase1_steps: 0}"};
/// A model that can start from tests/fixtures/hugging_face/encoders/bert.
constexpr const char* kBert = BANTER_SOURCE_DIR "/tests/fixtures/hugging_face/encoders/bert";
const std::vector<std::string> kLikeBert = {
    "model={type: stack_propagation, dim: 8, heads: 2, ffn_dim: 12, encoder_layers: 2, "
    "decoder_layers: 1, consistency_layers: 1, norm: post, norm_eps: 1e-12, positions: learned, "
    "max_positions: 20, scale_embedding: false, embedding_norm: true, activation: gelu}"};
const std::vector<std::string> kExploding = {"train.lr=1e38", "train.warmup_steps=0",
                                             "train.valid_split=''", "train.steps=20"};

/// Weight decay that makes weights grow at its full rate, and shrink at a tenth of it.
const std::vector<std::string> kGrowing = {"train.weight_decay=200", "train.lr=0.04",
                                           "train.warmup_steps=20",  "train.steps=60",
                                           "train.valid_split=''",   "train.max_bad_steps=3"};
const std::vector<std::string> kFalling = [] {
  auto settings = kGrowing;
  settings.insert(settings.end(), {"train.max_fall_backs=3", "train.fall_back_factor=0.1"});
  return settings;
}();

INSTANTIATE_TEST_SUITE_P(
    EveryField, TrainOptionTest,
    testing::Values(
        OptionCase{"seed", "2", {}}, OptionCase{"init_encoder", kBert, kLikeBert},
        OptionCase{"lr", "0.02", {}}, OptionCase{"schedule", "constant", {}},
        OptionCase{"warmup_steps", "5", {}}, OptionCase{"schedule_steps", "7", kLinear},
        OptionCase{"final_lr_share", "0.5", kLinear}, OptionCase{"beta1", "0.5", {}},
        OptionCase{"beta2", "0.5", {}}, OptionCase{"eps", "0.1", {}},
        OptionCase{"weight_decay", "0.5", {}}, OptionCase{"clip_norm", "0.01", {}},
        OptionCase{"micro_batches", "1", {}}, OptionCase{"pairs_per_dialogue_batch", "1", kStack},
        OptionCase{"ema_decay", "0.9", {}}, OptionCase{"max_bad_steps", "2", kExploding},
        OptionCase{"max_fall_backs", "1", kGrowing},
        OptionCase{"fall_back_factor", "0.2", kFalling},
        OptionCase{"fall_back_loss", "3", kFalling}, OptionCase{"steps", "7", {}},
        OptionCase{"epochs", "1", {"train.steps=40"}}, OptionCase{"minutes", "1e-9", {}},
        OptionCase{"patience", "1", {"train.lr=1e-30", "model.dropout=0"}},
        OptionCase{"split", "valid", {}}, OptionCase{"valid_split", "train", {}},
        OptionCase{"validate_every", "2", {}}, OptionCase{"valid_replies", "3", {}},
        OptionCase{"save_every", "5", {"train.keep_last=9"}}, OptionCase{"keep_last", "1", {}},
        OptionCase{"keep_best", "[token_accuracy]", {}}, OptionCase{"log_every", "1", {}}),
    [](const auto& option) { return std::string(option.param.key); });

/// Names that a line of the log lists.
std::set<std::string> names_in(const base::json::object& line, const char* key) {
  std::set<std::string> names;
  for (const auto& name : line.at(key).as_array()) names.emplace(name.as_string());
  return names;
}

TEST_F(TrainerTest, AModelStartsFromWhatFitsOfAnotherRun) {
  const auto plain = recipe("hred", {"model.attention=none"});
  train(plain);
  const std::vector<std::string> still = {
      "model={type: vhred, embed_dim: 6, hidden_dim: 6, latent_dim: 4}", "train.steps=1",
      "train.lr=1e-9", "train.weight_decay=0", "train.valid_split=''"};
  auto from = still;
  from.push_back("train.init_from=" + plain.run.string() + "@step-8");
  const auto r = recipe("vhred", from);
  train(r);

  const auto taken = weights(r.run, 1), given = weights(plain.run, 8);
  const auto line = log_lines(r.run / "log.jsonl").at(1);
  EXPECT_EQ(line.at("event"), "init_from");
  const auto copied = names_in(line, "copied"), fresh = names_in(line, "fresh");
  EXPECT_TRUE(copied.contains("encoder.weight_hh"));
  EXPECT_TRUE(fresh.contains("prior.mean.bias")) << "hred has none";
  EXPECT_TRUE(fresh.contains("decoder.weight_ih")) << "that of hred is narrower";
  EXPECT_EQ(copied.size() + fresh.size(), taken.size());
  train(recipe("alone", still));
  const auto alone = weights(place / "alone", 1);
  for (const auto& [name, tensor] : taken)
    EXPECT_TRUE(
        torch::allclose(tensor, copied.contains(name) ? given.at(name) : alone.at(name), 0, 1e-7))
        << name;
  EXPECT_NE(base::read_file(r.run / "step-1/config.yaml").find("init_from: "), std::string::npos);
}

TEST_F(TrainerTest, TheAverageStartsFromWhatWasTakenToo) {
  const auto first = recipe("first");
  train(first);
  const auto r = recipe("second", {"train.init_from=" + first.run.string() + "@step-8",
                                   "train.steps=1", "train.lr=1e-9", "train.ema_decay=0.9"});
  train(r);
  const auto average = models::read_safetensors(r.run / "step-1/ema.safetensors");
  for (const auto& [name, tensor] : weights(first.run, 8))
    EXPECT_TRUE(torch::allclose(average.at(name), tensor, 0, 1e-7)) << name;
}

TEST_F(TrainerTest, ARunThatGoesOnNeedsItsStartNoMore) {
  train(recipe("first"));
  const std::vector<std::string> from = {"train.init_from=" + (place / "first").string()};
  train(recipe("whole", from));
  EXPECT_THROW(train(recipe("broken", from), 5), Crash);
  fs::remove_all(place / "first");
  train(recipe("broken", from));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
}

/// What a run starts from that the fixture gives its start.
std::vector<std::string> from_bert(const std::string& place, const std::string& more) {
  auto from = kLikeBert;
  from.insert(from.end(), {"train.init_encoder=" + place, more});
  return from;
}

TEST_F(TrainerTest, AModelStartsFromAPretrainedEncoder) {
  auto from = from_bert(kBert, "train.steps=1");
  from.insert(from.end(), {"train.lr=1e-9", "train.weight_decay=0", "train.ema_decay=0.9"});
  const auto r = recipe("run", from);
  train(r);
  const auto line = log_lines(r.run / "log.jsonl").at(1);
  EXPECT_EQ(line.at("event"), "init_encoder");
  EXPECT_EQ(line.at("place").as_string(), kBert);
  EXPECT_EQ(line.at("model_type"), "bert");
  EXPECT_EQ(line.at("hash").as_string().size(), 64U);
  EXPECT_GT(line.at("copied_pieces").as_int64(), 0);
  EXPECT_LT(line.at("copied_pieces").as_int64(), line.at("pieces").as_int64());
  EXPECT_EQ(line.at("notes").as_array().size(), 3U) << "of three layers";
  EXPECT_TRUE(names_in(line, "copied").contains("decoder.0.feed_forward.in.bias"));
  EXPECT_TRUE(names_in(line, "fresh").contains("decoder.0.cross_attention.query.weight"));
  const auto file = models::read_safetensors(fs::path(kBert) / "model.safetensors");
  const auto average = models::read_safetensors(r.run / "step-1/ema.safetensors");
  const auto& norm = file.at("bert.encoder.layer.1.output.LayerNorm.weight");
  for (const auto& tensors : {weights(r.run, 1), average})
    EXPECT_TRUE(torch::allclose(tensors.at("encoder.1.feed_forward_norm.weight"), norm, 0, 1e-6));
}

TEST_F(TrainerTest, ARunThatGoesOnNeedsItsEncoderNoMore) {
  const auto bert = place / "bert";
  fs::copy(kBert, bert);
  const auto from = from_bert(bert.string(), "train.steps=8");
  train(recipe("whole", from));
  EXPECT_THROW(train(recipe("broken", from), 5), Crash);
  fs::remove_all(bert);
  train(recipe("broken", from));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
}

TEST_F(TrainerTest, AnEncoderIsForModelsThatAreBuiltLikeOneAndBesideNoOtherStart) {
  const auto said = problem<base::ConfigError>(
      [&] { recipe("run", {std::string("train.init_encoder=") + kBert}); });
  EXPECT_NE(said.find("train.init_encoder: must be left out with a model of type hred"),
            std::string::npos)
      << said;
  const auto both =
      problem<base::ConfigError>([&] { recipe("run", from_bert(kBert, "train.init_from=run")); });
  EXPECT_NE(both.find("left out beside init_from"), std::string::npos) << both;
}

TEST_F(TrainerTest, AStartThatDoesNotFitIsAnError) {
  train(recipe("first"));
  const auto start = [&](const std::string& more) {
    return recipe("second", {"train.init_from=" + (place / "first").string(), more});
  };
  const auto said = problem<base::ConfigError>(
      [&] { train(start("model={type: hred, embed_dim: 5, hidden_dim: 7}")); });
  EXPECT_NE(said.find("no matrix"), std::string::npos) << said;
  EXPECT_THROW(train(recipe("third", {"train.init_from=" + (place / "none").string()})),
               base::CheckpointError);

  const auto import = (place / "import").string();
  models::import_folder(BANTER_SOURCE_DIR "/tests/fixtures/hugging_face/marian", import, {});
  const auto of_import =
      problem<base::ConfigError>([&] { train(recipe("fourth", {"train.init_from=" + import})); });
  EXPECT_NE(of_import.find("is of an import"), std::string::npos) << of_import;

  const MadeStore other({.seed = 2, .dialogues = 24, .splits = {"train", "valid"}});
  const auto r = start("train.steps=1");
  const RunFolder folder(r.run);
  const auto of_tokenizer =
      problem<base::ConfigError>([&] { Trainer(folder, r, other.store(), true); });
  EXPECT_NE(of_tokenizer.find("tokenizer"), std::string::npos) << of_tokenizer;
}

TEST_F(TrainerTest, AMixNeedsOneTokenizerAndItsStoreAndWeightsStay) {
  const MadeStore stranger({.seed = 9, .dialogues = 10, .splits = {"train"}});
  EXPECT_THROW(train(recipe("run", {"mix=[{store: " + stranger.folder().string() + "}]"})),
               base::ConfigError);
  EXPECT_THROW(recipe("run", {"mix=[{store: a, weight: 0}]"}), base::ConfigError);
  EXPECT_THROW(recipe("run", {"mix=[{weight: 1}]"}), base::ConfigError);
  EXPECT_THROW(recipe("run", {"mix=[{store: a, typo: 1}]"}), base::ConfigError);
}

}  // namespace
}  // namespace banter::train
