// A run that goes on: after a crash, a signal, a damaged checkpoint; and what it refuses to go on
// from.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/signals.h"
#include "data/batches/batch.h"
#include "models/checkpoint/load_model.h"
#include "models/checkpoint/safetensors.h"
#include "tests/support/full_disk.h"
#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

TEST_F(TrainerTest, ACrashedRunEndsLikeAnUnbrokenOne) {
  const std::vector<std::string> more = {"train.ema_decay=0.9", "train.steps=13",
                                         "train.keep_best=[ppl, token_accuracy]"};
  train(recipe("whole", more));
  for (const std::int64_t crash : {1, 5, 6, 9, 11}) {
    const auto r = recipe("broken", more);
    EXPECT_THROW(train(r, crash), Crash);
  }
  EXPECT_EQ(train(recipe("broken", more)).state.step, 13);
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
}

TEST_F(TrainerTest, ACrashedRunOfEveryOptimizerEndsLikeAnUnbrokenOne) {
  for (const std::vector<std::string>& optimizer :
       {std::vector<std::string>{"train.optimizer=adam"},
        {"train.optimizer=sgd", "train.momentum=0.9", "train.nesterov=true"},
        {"train.optimizer=sgd"}}) {
    const auto name = std::to_string(optimizer.size()) + optimizer.front();
    train(recipe("whole" + name, optimizer));
    EXPECT_THROW(train(recipe("broken" + name, optimizer), 6), Crash);
    train(recipe("broken" + name, optimizer));
    EXPECT_EQ(contents(place / ("whole" + name)), contents(place / ("broken" + name))) << name;
  }
}

TEST_F(TrainerTest, ACrashedRunOnAPlateauEndsLikeAnUnbrokenOne) {
  // A rate so high that validations get worse, so that it has to fall.
  const std::vector<std::string> plateau = {"train.schedule=plateau", "train.plateau_patience=1",
                                            "train.lr=0.5",           "train.validate_every=1",
                                            "train.steps=12",         "train.log_every=1",
                                            "train.keep_last=20"};
  train(recipe("whole", plateau));
  for (const std::int64_t crash : {6, 9, 11})
    EXPECT_THROW(train(recipe("broken", plateau), crash), Crash);
  train(recipe("broken", plateau));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
  double first = 0, last = 0;
  for (const auto& line : log_lines(place / "whole/log.jsonl")) {
    if (line.at("event") != "step") continue;
    last = line.at("lr").to_number<double>();
    first = std::max(first, last);
  }
  EXPECT_LT(last, first) << "it never fell";
}

/// Where a run with this patience stops, crashing on its way or not: by the step.
TEST_F(TrainerTest, EarlyStopOfSeveralMetricsIsWhereItsCountsSayAndOutlivesACrash) {
  std::map<std::string, std::int64_t> stopped;
  for (const auto* when : {"first", "any", "all"}) {
    const std::vector<std::string> more = {"train.steps=60",
                                           "train.validate_every=1",
                                           "train.lr=0.3",
                                           "train.patience=3",
                                           "train.keep_best=[ppl, token_accuracy]",
                                           std::string("train.stop_when=") + when};
    const auto result = train(recipe(std::string("whole-") + when, more));
    stopped[when] = result.state.step;
    const auto name = std::string("broken-") + when;
    EXPECT_THROW(train(recipe(name, more), 2), Crash);
    if (result.state.step > 4) {
      EXPECT_THROW(train(recipe(name, more), 4), Crash);
    }
    train(recipe(name, more));
    EXPECT_EQ(contents(place / name), contents(place / (std::string("whole-") + when))) << when;

    // By the log alone: validations since the best of each metric.
    std::map<std::string, std::pair<double, int>> since;
    std::int64_t expected = 60;
    for (const auto& line : log_lines(place / name / "log.jsonl")) {
      if (line.at("event") != "validation") continue;
      int out = 0;
      for (const std::string metric : {"ppl", "token_accuracy"}) {
        const auto value = line.at(metric).to_number<double>();
        const auto signed_value = metric == "ppl" ? -value : value;
        auto [at, is_new] = since.try_emplace(metric, signed_value, 0);
        if (!is_new && signed_value <= at->second.first) {
          ++at->second.second;
        } else {
          at->second = {signed_value, 0};
        }
        out += at->second.second >= 3 ? 1 : 0;
      }
      const bool is_first_out = since.at("ppl").second >= 3;
      const bool stops = std::string(when) == "first" ? is_first_out
                         : std::string(when) == "any" ? out > 0
                                                      : out == 2;
      if (stops) {
        expected = line.at("step").to_number<std::int64_t>();
        break;
      }
    }
    EXPECT_EQ(stopped[when], expected) << when;
  }
  EXPECT_LE(stopped["any"], stopped["first"]);
  EXPECT_LE(stopped["first"], stopped["all"]);
  EXPECT_LT(stopped["any"], stopped["all"]) << "the metrics part nowhere: another rate is needed";
}

TEST_F(TrainerTest, ARunOfAVersionThatDidNotKnowAKeyGoesOnWithItsDefault) {
  const auto r = recipe("run");
  EXPECT_THROW(train(r, 5), Crash);
  auto config = base::read_file(r.run / "config.yaml");
  const auto line = config.find("  optimizer: adamw\n");
  ASSERT_NE(line, std::string::npos);
  base::write_durably(r.run / "config.yaml", config.erase(line, 19));
  const auto said =
      problem<base::ConfigError>([&] { train(recipe("run", {"train.optimizer=adam"})); });
  EXPECT_NE(said.find("train.optimizer was adamw, is adam"), std::string::npos) << said;
  EXPECT_EQ(train(r).state.step, 8);
}

TEST_F(TrainerTest, ASignalSavesAndTheRunGoesOnWithTheSameNumbers) {
  train(recipe("whole"));
  const auto r = recipe("stopped");
  {
    const RunFolder folder(r.run);
    Trainer trainer(folder, r, store(), true);
    base::install_stop_signals();
    trainer.after_step = [](const TrainState& state) {
      if (state.step == 5) std::raise(SIGTERM);
    };
    const auto result = trainer.run();
    EXPECT_EQ(result.why, "signal");
    EXPECT_EQ(result.signal, SIGTERM);
    EXPECT_EQ(models::pointed_step(r.run, "LAST"), 5);
  }
  base::clear_stop_signal();
  train(r);
  const auto a = weights(place / "whole", 8), b = weights(place / "stopped", 8);
  for (const auto& [name, tensor] : a) EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
}

TEST_F(TrainerTest, ASignalDuringAValidationLosesNothingOfIt) {
  // Saved and validated at the end of an epoch, where the signal comes before the validation ends.
  const std::vector<std::string> by_epoch = {
      "train.validate_every=0", "train.save_every=0", "train.steps=0",  "train.epochs=3",
      "train.keep_last=9",      "train.lr=1e-30",     "model.dropout=0"};
  train(recipe("whole", by_epoch));
  const auto r = recipe("stopped", by_epoch);
  std::int64_t stopped_at = 0;
  {
    const RunFolder folder(r.run);
    Trainer trainer(folder, r, store(), true);
    base::install_stop_signals();
    trainer.after_step = [](const TrainState& state) {
      if (state.position.splits[0] == data::Position{2, 0, 0}) std::raise(SIGTERM);
    };
    const auto result = trainer.run();
    ASSERT_EQ(result.why, "signal");
    stopped_at = result.state.step;
    ASSERT_NE(result.state.validated_step, stopped_at) << "the validation was not cut short";
  }
  base::clear_stop_signal();
  train(r);
  auto whole = contents(place / "whole"), stopped = contents(place / "stopped");
  ASSERT_TRUE(whole.contains("step-" + std::to_string(stopped_at) + "/state.json"));
  whole.erase("log.jsonl");  // tells of the stop
  stopped.erase("log.jsonl");
  EXPECT_EQ(whole, stopped);
}

TEST_F(TrainerTest, AFinishedRunHasNothingToDo) {
  train(recipe("run"));
  const auto before = contents(place / "run");
  const auto again = train(recipe("run"));
  EXPECT_FALSE(again.went_on);
  auto after = contents(place / "run");
  EXPECT_EQ(before.size(), after.size());
  EXPECT_EQ(before.at("LAST"), after.at("LAST"));
}

TEST_F(TrainerTest, GoesOnFromAnOlderCheckpointWhenTheNewestIsDamaged) {
  train(recipe("whole"));
  train(recipe("damaged"));
  std::ofstream(place / "damaged/step-8/optimizer.safetensors", std::ios::app) << "x";
  const auto result = train(recipe("damaged"));
  EXPECT_TRUE(result.went_on);
  EXPECT_EQ(weights(place / "damaged", 8).size(), weights(place / "whole", 8).size());
  models::verify_checkpoint(place / "damaged/step-8");
  EXPECT_EQ(base::read_file(place / "damaged/step-8/manifest.json"),
            base::read_file(place / "whole/step-8/manifest.json"));
}

TEST_F(TrainerTest, ADamagedCheckpointIsSetAsideAndDoesNotCountAsKept) {
  const std::vector<std::string> no_validation = {"train.valid_split=''"};
  auto five = no_validation;
  five.emplace_back("train.steps=5");  // saved off the grid of save_every
  train(recipe("run", five));
  ASSERT_EQ(models::checkpoint_steps(place / "run"), (std::vector<std::int64_t>{4, 5}));
  std::ofstream(place / "run/step-5/optimizer.safetensors", std::ios::app) << "x";
  train(recipe("run", no_validation));
  EXPECT_EQ(models::checkpoint_steps(place / "run"), (std::vector<std::int64_t>{4, 8}));
  EXPECT_TRUE(fs::exists(place / "run/step-5.damaged/optimizer.safetensors"));
}

TEST_F(TrainerTest, ASplitThatCannotBeValidatedOnIsAnErrorThatSaysWhatToDo) {
  const auto said_of = [&](const data::Store& of, const std::string& setting) {
    const auto r = recipe("run", {setting});
    const RunFolder folder(r.run);
    return problem<base::ConfigError>([&] { Trainer(folder, r, of, true); });
  };
  const auto absent = said_of(store(), "train.valid_split=absent");
  EXPECT_NE(absent.find("data.valid_share"), std::string::npos) << absent;

  // A third speaker answers in train, none in valid.
  for (std::uint64_t seed = 1; seed < 100; ++seed) {
    const MadeStore few({.seed = seed, .dialogues = 3, .splits = {"train", "valid"}});
    const auto replies = [&](std::string_view split) {
      return data::EvaluationStream(few.store().split(split),
                                    recipe("x", {"batch.reply_by='speaker:C'"}).batch,
                                    few.store().tokenizer().special())
          .replies();
    };
    if (replies("train") == 0 || replies("valid") > 0) continue;
    const auto silent = said_of(few.store(), "batch.reply_by='speaker:C'");
    EXPECT_NE(silent.find("no reply by batch.reply_by: speaker:C"), std::string::npos) << silent;
    return;
  }
  FAIL() << "no store without a third speaker in valid";
}

TEST_F(TrainerTest, AFullDiskDuringASaveLosesNothingThatWasSaved) {
  train(recipe("whole"));
  const auto r = recipe("run");
  {
    const RunFolder folder(r.run);
    Trainer trainer(folder, r, store(), true);
    std::optional<tests::FullDisk> full;
    trainer.after_step = [&](const TrainState& state) {
      if (state.step == 5) full.emplace(16 << 10);  // the log fits, the tensors do not
    };
    const auto said = problem<base::FileError>([&] { trainer.run(); });
    EXPECT_NE(said.find("safetensors"), std::string::npos) << said;
  }
  EXPECT_EQ(models::checkpoint_steps(r.run), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(models::find_checkpoint({r.run, "last"}).warning, "");
  train(r);
  EXPECT_EQ(contents(place / "whole").at("step-8/model.safetensors"),
            contents(r.run).at("step-8/model.safetensors"));
}

TEST_F(TrainerTest, RefusesToGoOnWhenNoCheckpointCanBeUsed) {
  train(recipe("run"));
  for (const auto step : models::checkpoint_steps(place / "run"))
    fs::resize_file(place / "run" / ("step-" + std::to_string(step)) / "model.safetensors", 4096);
  const auto said = problem<base::CheckpointError>([&] { train(recipe("run")); });
  EXPECT_NE(said.find("--restart"), std::string::npos) << said;
}

TEST_F(TrainerTest, RefusesAnotherConfigStoreOrTokenizer) {
  train(recipe("run"));
  const auto said =
      problem<base::ConfigError>([&] { train(recipe("run", {"model.hidden_dim=7"})); });
  EXPECT_NE(said.find("model.hidden_dim was 6, is 7"), std::string::npos) << said;

  const MadeStore other({.seed = 2, .dialogues = 24, .splits = {"train", "valid"}});
  const RunFolder folder(place / "run");
  const auto of_store =
      problem<base::CheckpointError>([&] { Trainer(folder, recipe("run"), other.store(), true); });
  EXPECT_NE(of_store.find("tokenizer"), std::string::npos) << of_store;
}

TEST_F(TrainerTest, ACheckpointOfAnotherModelIsRefused) {
  train(recipe("run"));
  train(recipe("other", {"model.hidden_dim=7"}));
  const auto newest = place / "run/step-8";
  fs::copy_file(place / "other/step-8/model.safetensors", newest / "model.safetensors",
                fs::copy_options::overwrite_existing);
  EXPECT_THROW(models::load_model((place / "run@step-8").string()), base::CheckpointError)
      << "its manifest tells";
  {  // and even with a manifest of its own
    models::CheckpointWriter writer(place / "run", 9);
    for (const auto& entry : fs::directory_iterator(newest))
      if (entry.path().filename() != "manifest.json")
        fs::copy_file(entry.path(), writer.folder() / entry.path().filename());
    writer.publish();
  }
  const auto said =
      problem<base::CheckpointError>([&] { models::load_model((place / "run@step-9").string()); });
  EXPECT_NE(said.find("does not fit the model"), std::string::npos) << said;
}

TEST_F(TrainerTest, ACheckpointWithNaNIsRefused) {
  train(recipe("run"));
  {
    models::CheckpointWriter writer(place / "run", 9);
    for (const auto& entry : fs::directory_iterator(place / "run/step-8"))
      if (entry.path().filename() != "manifest.json")
        fs::copy_file(entry.path(), writer.folder() / entry.path().filename());
    auto tensors = weights(place / "run", 8);
    tensors.begin()->second.view(-1)[0] = NAN;
    models::write_safetensors(writer.folder() / "model.safetensors", tensors);
    writer.publish();
  }
  const auto said =
      problem<base::CheckpointError>([&] { models::load_model((place / "run@step-9").string()); });
  EXPECT_NE(said.find("NaN"), std::string::npos) << said;
}

/// Noise and dropped words are functions of the step too.
TEST_F(TrainerTest, ACrashedRunWithALatentVariableEndsLikeAnUnbrokenOne) {
  const std::vector<std::string> more = {
      "model={type: vhred, hidden_dim: 6, latent_dim: 4, kl_anneal_steps: 5}"};
  train(recipe("whole", more));
  EXPECT_THROW(train(recipe("broken", more), 5), Crash);
  train(recipe("broken", more));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
}

TEST_F(TrainerTest, AMixOfStoresGoesOnWhereItCrashed) {
  const MadeStore other({.seed = 5,
                         .dialogues = 10,
                         .most_turns = 4,
                         .most_words = 6,
                         .splits = {"train", "valid"},
                         .tokenizer = store().tokenizer()});
  const std::vector<std::string> mix = {"mix=[{store: " + other.folder().string() +
                                        ", weight: 0.5}]"};
  train(recipe("whole", mix));
  EXPECT_THROW(train(recipe("crashed", mix), 6), Crash);
  train(recipe("crashed", mix));
  EXPECT_EQ(contents(place / "crashed"), contents(place / "whole"));
  train(recipe("alone"));
  EXPECT_NE(contents(place / "alone"), contents(place / "whole"));
}

}  // namespace
}  // namespace banter::train
