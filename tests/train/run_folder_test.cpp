#include "train/run_folder.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "models/checkpoint/checkpoint.h"
#include "tests/support/temporary_folder.h"
#include "train/log.h"
#include "train/state.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
using tests::TemporaryFolder;

TEST(TrainStateTest, ReadsBackToTheSameBytes) {
  TrainState s;
  s.step = 123;
  s.position = {7, {{4, 5, 6}, {0, 1, 2}}};
  s.labels = 1'000'000'000'000;
  s.skipped_steps = 2;
  s.bad_in_a_row = 1;
  s.validated_step = 100;
  s.validated_epochs = 3;
  s.validations_since_best = 2;
  // Numbers whose last bit a careless writer or reader loses.
  s.best["ppl"] = {0.1 + 0.2, 80};
  s.best["bpb"] = {5e-324, 90};
  s.since_log["nll"] = {123456.78901234567, 77};
  s.updates["matrices"] = 121;
  s.threads = 2;
  s.store = "abc";
  s.tokenizer = "def";
  const auto text = s.to_json();
  const auto read = TrainState::from_json(text, "state.json");
  EXPECT_EQ(read, s);
  EXPECT_EQ(read.to_json(), text);
  EXPECT_EQ(text.find("pairs"), std::string::npos) << "a run without pairs knows of none";
  s.pairs = data::Position{8, 9, 10};
  EXPECT_EQ(TrainState::from_json(s.to_json(), "state.json"), s);
}

TEST(TrainStateTest, CountsValidationsForEveryMetric) {
  TrainState s;
  s.since_best(0, "ppl") = 3;
  EXPECT_EQ(s.to_json().find("others_since_best"), std::string::npos);
  s.since_best(1, "bpb") = 2;
  EXPECT_EQ(s.validations_since_best, 3);
  const auto read = TrainState::from_json(s.to_json(), "state.json");
  EXPECT_EQ(read, s);
  EXPECT_EQ(read.others_since_best.at("bpb"), 2);
}

TEST(TrainStateTest, KeepsWhatThePlateauScheduleHasSeen) {
  TrainState s;
  s.plateau.emplace();
  EXPECT_EQ(TrainState::from_json(s.to_json(), "state.json"), s);
  s.plateau = Plateau{.best = 0.1 + 0.2, .bad = 2, .factor = 1.0 / 3};
  EXPECT_EQ(TrainState::from_json(s.to_json(), "state.json"), s);
  auto text = s.to_json();
  text.replace(text.find("\"0.333"), 4, "\"1.");
  EXPECT_THROW(TrainState::from_json(text, "s"), base::CheckpointError);
}

TEST(TrainStateTest, KeepsWhatItWouldFallBackTo) {
  TrainState s;
  s.fall_back.emplace();
  EXPECT_EQ(TrainState::from_json(s.to_json(), "state.json"), s);
  s.fall_back = FallBack{.count = 2,
                         .factor = 1.0 / 3,
                         .good = 80,
                         .last = 100,
                         .loss = 0.1 + 0.2,
                         .losses = 7,
                         .high_in_a_row = 1};
  EXPECT_EQ(TrainState::from_json(s.to_json(), "state.json"), s);
  auto text = s.to_json();
  text.replace(text.find("\"0.333"), 4, "\"1.");
  EXPECT_THROW(TrainState::from_json(text, "s"), base::CheckpointError);
}

TEST(TrainStateTest, ReadsTheStateOfVersion2) {
  TrainState s;
  s.step = 123;
  s.position = {7, {{4, 5, 6}, {0, 1, 2}}};
  s.pairs = data::Position{8, 9, 10};
  s.labels = 1'000'000'000'000;
  s.skipped_steps = 2;
  s.bad_in_a_row = 1;
  s.validated_step = 100;
  s.validated_epochs = 3;
  s.validations_since_best = 2;
  s.best["ppl"] = {0.1 + 0.2, 80};
  s.best["bpb"] = {5e-324, 90};
  s.since_log["nll"] = {123456.78901234567, 77};
  s.updates["matrices"] = 121;
  s.threads = 2;
  s.store = "abc";
  s.tokenizer = "def";
  const fs::path file = BANTER_SOURCE_DIR "/tests/fixtures/train/state-2.json";
  EXPECT_EQ(TrainState::from_json(base::read_file(file), file.string()), s);
}

TEST(TrainStateTest, RefusesWhatIsNoState) {
  const auto good = TrainState{}.to_json();
  const auto changed = [&](const std::string& from, const std::string& to) {
    auto text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_THROW(TrainState::from_json("[]", "s"), base::CheckpointError);
  EXPECT_THROW(TrainState::from_json("{", "s"), base::CheckpointError);
  EXPECT_THROW(TrainState::from_json(changed("\"version\": 3", "\"version\": 4"), "s"),
               base::CheckpointError);
  EXPECT_THROW(TrainState::from_json(changed("\"version\": 3", "\"version\": 1"), "s"),
               base::CheckpointError);
  EXPECT_THROW(TrainState::from_json(changed("\"step\": 0", "\"step\": -1"), "s"),
               base::CheckpointError);
  EXPECT_THROW(TrainState::from_json(changed("\"labels\"", "\"label\""), "s"),
               base::CheckpointError);
}

TEST(RunLogTest, DropsTheLinesBehindTheStepAndWhatACrashCut) {
  const TemporaryFolder run;
  const auto path = run / "log.jsonl";
  {
    RunLog log(path, 0);
    for (int step = 0; step <= 5; ++step) log.write({{"event", "step"}, {"step", step}});
    log.sync();
  }
  std::ofstream(path, std::ios::app) << "{\"event\":\"st";
  {
    RunLog log(path, 3);
    log.write({{"event", "step"}, {"step", 4}});
  }
  std::string expected;
  for (int step = 0; step <= 4; ++step)
    expected += "{\"event\":\"step\",\"step\":" + std::to_string(step) + "}\n";
  EXPECT_EQ(base::read_file(path), expected);
}

TEST(ConfigDifferenceTest, NamesTheFirstKeyThatMattersWithBothValues) {
  const std::string before = "model:\n  hidden_dim: 4\ntrain:\n  lr: 0.1\n  steps: 5\nrun: a\n";
  EXPECT_EQ(config_difference(before, before), "");
  EXPECT_EQ(
      config_difference(before, "model:\n  hidden_dim: 4\ntrain:\n  lr: 0.1\n  steps: 9\nrun: b\n"),
      "")
      << "when to stop and where to write may change";
  EXPECT_EQ(config_difference(before, std::string(before) + "decoding:\n  method: beam\n"), "")
      << "how replies are chosen is no matter of training";
  EXPECT_EQ(
      config_difference(before, "model:\n  hidden_dim: 4\ntrain:\n  lr: 0.2\n  steps: 5\nrun: a\n"),
      "train.lr was 0.1, is 0.2");
  EXPECT_EQ(config_difference(before, "model:\n  dim: 1\n  hidden_dim: 4\ntrain:\n  lr: 0.1\n"),
            "model.dim was absent, is 1");
}

TEST(RunFolderTest, TwoTrainingsCannotShareIt) {
  const TemporaryFolder place;
  const RunFolder first(place / "run");
  EXPECT_THROW(RunFolder(place / "run"), base::FileError);
  EXPECT_THROW(move_run_aside(place / "run"), base::FileError);
}

TEST(RunFolderTest, AFileInItsPlaceIsAnError) {
  const TemporaryFolder place;
  std::ofstream(place / "run") << "x";
  EXPECT_THROW(RunFolder(place / "run"), base::FileError);
}

TEST(RunFolderTest, MovesAsideToAFreeName) {
  const TemporaryFolder place;
  for (const auto* expected : {"run.old-1", "run.old-2"}) {
    fs::create_directories(place / "run");
    std::ofstream(place / "run/config.yaml") << expected;
    EXPECT_EQ(move_run_aside(place / "run"), place / expected);
    EXPECT_EQ(base::read_file(place / expected / "config.yaml"), expected);
    EXPECT_FALSE(fs::exists(place / "run"));
  }
}

class SettleTest : public testing::Test {
 protected:
  void save(std::int64_t step) {
    models::CheckpointWriter writer(folder.path(), step);
    std::ofstream(writer.folder() / "state.json") << step;
    writer.publish();
  }
  std::int64_t pointed(std::string_view pointer) {
    return models::pointed_step(folder.path(), pointer);
  }
  std::vector<std::int64_t> steps() { return models::checkpoint_steps(folder.path()); }

  TemporaryFolder place;
  RunFolder folder{place / "run"};
  TrainOptions options;
  TrainState state;
};

TEST_F(SettleTest, KeepsTheNewestAndTheBestOfEachMetric) {
  options.keep_last = 2;
  options.keep_best = {"ppl", "bpb"};
  for (const auto step : {10, 20, 30, 40, 50}) save(step);
  state.step = 50;
  state.best = {{"ppl", {3.0, 20}}, {"bpb", {1.0, 10}}};
  folder.settle(state, options);
  EXPECT_EQ(steps(), (std::vector<std::int64_t>{10, 20, 40, 50}));
  EXPECT_EQ(pointed("CURRENT"), 20);
  EXPECT_EQ(pointed("LAST"), 50);
  EXPECT_EQ(pointed("BEST.ppl"), 20);
  EXPECT_EQ(pointed("BEST.bpb"), 10);

  state.best["bpb"] = {0.5, 50};
  folder.settle(state, options);
  EXPECT_EQ(steps(), (std::vector<std::int64_t>{20, 40, 50}));
}

TEST_F(SettleTest, WithoutAnyValidationTheNewestIsCurrent) {
  save(10);
  state.step = 10;
  folder.settle(state, options);
  EXPECT_EQ(pointed("CURRENT"), 10);
}

TEST_F(SettleTest, ABestOneThatLostItsManifestIsPassedOver) {
  options.keep_best = {"ppl"};
  for (const auto step : {10, 20}) save(step);
  state.step = 20;
  state.best = {{"ppl", {3.0, 10}}};
  fs::remove(folder.path() / "step-10/manifest.json");
  folder.settle(state, options);
  EXPECT_EQ(pointed("CURRENT"), 20);
  EXPECT_EQ(pointed("BEST.ppl"), -1);
}

TEST_F(SettleTest, LeavesNewerOnesThanTheStateInPlace) {
  options.keep_last = 1;
  for (const auto step : {10, 20, 30}) save(step);
  state.step = 20;
  folder.settle(state, options);
  EXPECT_EQ(steps(), (std::vector<std::int64_t>{20, 30}));
  EXPECT_EQ(pointed("LAST"), 20);
}

}  // namespace
}  // namespace banter::train
