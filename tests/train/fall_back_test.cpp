// A run that diverges goes back to a good checkpoint with a lower rate, however often it is killed.

#include "train/fall_back.h"

#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/train/trainer_fixture.h"

namespace banter::train {
namespace {

TEST(FallBackTest, ALossFarAboveTheAverageIsCountedAndLeftOutOfIt) {
  TrainOptions o;
  o.fall_back_loss = 2;
  FallBack seen;
  seen = after_loss(o, seen, 100);
  for (int i = 0; i < 19; ++i) seen = after_loss(o, seen, 1);
  EXPECT_EQ(seen.high_in_a_row, 0) << "the first ones always count";
  EXPECT_NEAR(seen.loss, 119.0 / 20, 1e-9);
  const auto high = after_loss(o, after_loss(o, seen, 12), 12);
  EXPECT_EQ(high.high_in_a_row, 2);
  EXPECT_EQ(high.loss, seen.loss);
  EXPECT_EQ(after_loss(o, high, 11).high_in_a_row, 0);
  for (int i = 0; i < 1000; ++i) seen = after_loss(o, seen, 3);
  EXPECT_NEAR(seen.loss, 3, 1e-3) << "it forgets";
}

TEST(FallBackTest, ACheckpointIsGoodWhenTheNextOneIsDue) {
  FallBack seen;
  EXPECT_EQ(seen.target(), 0);
  seen = after_save(seen, 4);
  EXPECT_EQ(seen.target(), 4) << "there is no other";
  seen = after_save(after_save(seen, 8), 8);
  EXPECT_EQ(seen.target(), 4);
  seen = after_save(seen, 12);
  EXPECT_EQ(seen.target(), 8);
  seen.good = 14;  // a new best
  seen = after_save(seen, 14);
  EXPECT_EQ(seen.target(), 14);
}

TEST(FallBackTest, GoneBackItCountsAnewWithALowerRate) {
  TrainOptions o;
  o.fall_back_factor = 0.5;
  const FallBack before{.count = 1, .factor = 0.5, .good = 8, .last = 12};
  const auto after =
      gone_back(o, before, {.good = 4, .last = 8, .loss = 3, .losses = 7, .high_in_a_row = 2}, 8);
  EXPECT_EQ(after,
            (FallBack{.count = 2, .factor = 0.25, .good = 8, .last = 8, .loss = 3, .losses = 7}));
}

class FallingBackTest : public TrainerTest {
 protected:
  /// Decay makes weights grow at the full rate, until nothing is finite; at a tenth they shrink.
  Recipe diverging(const std::string& run, std::vector<std::string> more = {}) const {
    for (const auto* setting :
         {"train.weight_decay=200", "train.lr=0.04", "train.warmup_steps=20", "train.steps=66",
          "train.max_bad_steps=3", "train.max_fall_backs=2", "train.fall_back_factor=0.1",
          "train.log_every=1", "train.validate_every=10", "train.keep_last=1"})
      more.insert(more.begin(), setting);
    return recipe(run, more);
  }

  /// Trains, and dies as soon as the run is somewhere.
  void crash(const Recipe& r, const std::function<bool(const TrainState&)>& is_there) const {
    const RunFolder folder(r.run);
    Trainer trainer(folder, r, store(), /*quiet=*/true);
    base::write_durably(folder.path() / "config.yaml", r.text);
    trainer.after_step = [&](const TrainState& state) {
      if (is_there(state)) throw Crash{};
    };
    EXPECT_THROW(trainer.run(), Crash);
  }

  std::vector<base::json::object> falls(const std::string& run) const {
    std::vector<base::json::object> found;
    for (auto& line : log_lines(place / run / "log.jsonl"))
      if (line.at("event") == "fall_back") found.push_back(std::move(line));
    return found;
  }

  void expect_as_often_as_killed(const std::vector<std::string>& more);
};

TEST_F(FallingBackTest, GoesBackWithALowerRateAndIsFinished) {
  const auto result = train(diverging("run"));
  EXPECT_EQ(result.state.step, 66);
  const auto fallen = falls("run");
  ASSERT_EQ(fallen.size(), 1U);
  const auto& fall = fallen.front();
  EXPECT_NE(fall.at("why").as_string().find("not finite for 3 steps"), std::string::npos);
  EXPECT_LT(fall.at("to").as_int64(), fall.at("from").as_int64());
  EXPECT_EQ(fall.at("to").as_int64() % 4, 0) << "a checkpoint that was due";
  std::int64_t before = 0, skipped = 0;
  for (const auto& line : log_lines(place / "run/log.jsonl")) {
    if (line.at("event") != "step") continue;
    const auto step = line.at("step").as_int64();
    EXPECT_EQ(step, before + 1) << "no step twice";
    before = step;
    const auto full = 0.04 * std::min(1.0, static_cast<double>(step) / 20) *
                      std::sqrt(20.0 / std::max(20.0, static_cast<double>(step)));
    EXPECT_NEAR(line.at("lr").to_number<double>() / full,
                step > fall.at("to").as_int64() ? 0.1 : 1.0, 1e-9)
        << step;
    const auto* counted = line.if_contains("skipped_steps");
    const auto skipped_now = counted == nullptr ? 0 : counted->as_int64();
    EXPECT_EQ(line.contains("nll"), skipped_now == skipped)
        << step << ": what was learned is told, and what diverged is not";
    skipped = skipped_now;
    if (step > 56) {
      EXPECT_TRUE(line.contains("nll")) << step << ": it learns again";
    }
  }
  EXPECT_EQ(models::find_checkpoint({place / "run", ""}).warning, "");
  EXPECT_EQ(models::find_checkpoint({place / "run", "last"}).step, 66);
}

void FallingBackTest::expect_as_often_as_killed(const std::vector<std::string>& more) {
  train(diverging("whole", more));
  ASSERT_GE(falls("whole").size(), 1U);
  const auto to = falls("whole").front().at("to").as_int64();
  const auto from = falls("whole").front().at("from").as_int64();
  const auto r = diverging("broken", more);
  const auto fell = [](const TrainState& state) { return state.fall_back->count > 0; };
  crash(r, [&](const TrainState& state) { return state.step == from - 1; });
  crash(r, [&](const TrainState& state) { return state.step == to + 2; });
  crash(r, [&](const TrainState& state) { return fell(state) && state.step == to + 1; });
  crash(r, [&](const TrainState& state) { return fell(state) && state.step == to + 7; });
  crash(r, [&](const TrainState& state) { return fell(state) && state.step == from + 1; });
  train(r);
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
}

TEST_F(FallingBackTest, ARunThatIsKilledBeforeAndBehindItEndsLikeAnUnbrokenOne) {
  expect_as_often_as_killed({"train.ema_decay=0.9"});
}

TEST_F(FallingBackTest, SoDoesOneThatGoesByItsLoss) {
  expect_as_often_as_killed({"train.fall_back_loss=2", "train.valid_split=''"});
  EXPECT_NE(falls("whole").front().at("why").as_string().find("fall_back_loss"), std::string::npos);
}

TEST_F(FallingBackTest, SoDoesOneThatWasStoppedBeforeItDiverged) {
  train(diverging("whole"));
  const auto fall = falls("whole").front();
  const auto r = diverging("stopped");
  for (const auto at : {fall.at("to").as_int64() + 1, fall.at("from").as_int64() - 4}) {
    const RunFolder folder(r.run);
    Trainer trainer(folder, r, store(), true);
    base::write_durably(folder.path() / "config.yaml", r.text);
    base::install_stop_signals();
    trainer.after_step = [&](const TrainState& state) {
      if (state.step == at) std::raise(SIGTERM);
    };
    ASSERT_EQ(trainer.run().why, "signal");
    base::clear_stop_signal();
  }
  train(r);
  const auto a = weights(place / "whole", 66), b = weights(place / "stopped", 66);
  for (const auto& [name, tensor] : a) EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
  EXPECT_EQ(models::checkpoint_steps(place / "whole"), models::checkpoint_steps(place / "stopped"));
}

TEST_F(FallingBackTest, BatchesMadeAheadAreThoseOfThePlaceItWentBackTo) {
  train(diverging("plain"));
  const auto r = diverging("ahead", {"train.prefetch=3"});
  const auto fall = falls("plain").front();
  crash(r, [&](const TrainState& state) {
    return state.fall_back->count > 0 && state.step == fall.at("to").as_int64() + 5;
  });
  train(r);
  for (const auto* file : {"log.jsonl", "step-66/model.safetensors",
                           "step-66/optimizer.safetensors", "step-66/state.json"})
    EXPECT_EQ(contents(r.run).at(file), contents(place / "plain").at(file)) << file;
}

/// What a validation finds while steps are bad may be the best there is, but the next step from
/// there is bad, too.
TEST_F(FallingBackTest, ABestOneAmongBadStepsIsNotGoneBackTo) {
  train(diverging("plain", {"train.valid_split=''"}));
  const auto from = falls("plain").front().at("from").as_int64();
  const auto first = "train.validate_every=" + std::to_string(from - 1);  // at the second of three
  const auto result = train(diverging("judged", {first}));
  EXPECT_EQ(result.state.step, 66);
  ASSERT_EQ(falls("judged").size(), 1U);
  EXPECT_LT(falls("judged").front().at("to").as_int64(), from - 2);
}

TEST_F(FallingBackTest, WhatIsNotSoundIsNeverSavedOverAGoodCheckpoint) {
  // Bad steps come before a checkpoint is due, and more of them than intervals.
  const auto r = diverging(
      "run", {"train.max_fall_backs=0", "train.max_bad_steps=12", "train.valid_split=''"});
  const auto said = problem<base::Error>([&] { train(r); });
  EXPECT_NE(said.find("not finite for 12 steps"), std::string::npos) << said;
  const auto steps = models::checkpoint_steps(r.run);
  ASSERT_FALSE(steps.empty());
  const auto file = r.run / ("step-" + std::to_string(steps.back())) / "state.json";
  EXPECT_EQ(TrainState::from_json(base::read_file(file), "state").bad_in_a_row, 0);
}

TEST_F(FallingBackTest, EndsWhenItMayNoMoreOrHasNowhereToGo) {
  const auto often =
      problem<base::Error>([&] { train(diverging("often", {"train.fall_back_factor=0.999"})); });
  EXPECT_NE(often.find("fallen back 2 times"), std::string::npos) << often;
  const auto early = problem<base::Error>([&] {
    train(diverging("early", {"train.save_every=1000", "train.valid_split=''"}));
  });
  EXPECT_NE(early.find("no checkpoint yet to fall back to"), std::string::npos) << early;
}

/// A run that ended because it diverged may be allowed to, without beginning anew.
TEST_F(FallingBackTest, MayBeAllowedMidway) {
  EXPECT_THROW(train(diverging("run", {"train.max_fall_backs=0"})), base::Error);
  EXPECT_EQ(train(diverging("run")).state.step, 66);
  EXPECT_GE(falls("run").size(), 1U);
}

}  // namespace
}  // namespace banter::train
