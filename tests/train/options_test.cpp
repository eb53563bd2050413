#include "train/options.h"

#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "configs/section.h"

namespace banter::train {
namespace {

/// The options of `train: {steps: 1, <more>}`.
TrainOptions read(const std::string& more, JudgedOn what = JudgedOn::kReplies) {
  const auto config = configs::Config::parse("train: {steps: 1, " + more + "}\n", "recipe.yaml");
  auto section = config.root().section("train");
  return TrainOptions::from(section, what);
}

/// What a reader says of it; "" when it is taken.
std::string problem(const std::string& more) {
  try {
    read(more);
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(TrainOptionsTest, ReadsAnOptimizerWithItsKeys) {
  EXPECT_EQ(read("lr: 1").optimizer, "adamw");
  const auto o = read("optimizer: sgd, momentum: 0.9, nesterov: true");
  EXPECT_EQ(o.optimizer, "sgd");
  EXPECT_EQ(o.momentum, 0.9);
  EXPECT_TRUE(o.nesterov);
}

TEST(TrainOptionsTest, RefusesKeysThatTheOptimizerDoesNotRead) {
  EXPECT_EQ(problem("optimizer: rmsprop"),
            "recipe.yaml:1: train.optimizer: must be one of adamw|adam|sgd, got rmsprop");
  EXPECT_EQ(problem("momentum: 0.9"),
            "recipe.yaml:1: train.momentum: must be absent unless optimizer is sgd, got 0.9");
  EXPECT_EQ(problem("optimizer: sgd, momentum: 1"),
            "recipe.yaml:1: train.momentum: must be in [0, 1), got 1");
  EXPECT_EQ(problem("optimizer: sgd, nesterov: true"),
            "recipe.yaml:1: train.nesterov: must be false unless momentum is above 0, got true");
  EXPECT_EQ(
      problem("optimizer: sgd, beta1: 0.8"),
      "recipe.yaml:1: train.beta1: must be absent unless optimizer is adamw or adam, got 0.8");
  EXPECT_EQ(problem("optimizer: sgd, beta2: 0.98, beta1: 0.9, eps: 1e-8"), "")
      << "a dump, which holds all defaults, is a recipe";
}

TEST(TrainOptionsTest, RefusesKeysThatTheScheduleDoesNotRead) {
  EXPECT_EQ(problem("schedule: one_cycle, warmup_steps: 2, schedule_steps: 9, start_lr_share: 0"),
            "");
  EXPECT_EQ(problem("schedule: plateau, plateau_factor: 0.1, plateau_patience: 0, "
                    "final_lr_share: 0.01"),
            "");
  EXPECT_EQ(problem("schedule: one_cycle, warmup_steps: 0, schedule_steps: 9"),
            "recipe.yaml:1: train.warmup_steps: must be positive for schedule one_cycle, got 0");
  EXPECT_EQ(problem("schedule: one_cycle, warmup_steps: 9, schedule_steps: 9"),
            "recipe.yaml:1: train.schedule_steps: must be more than warmup_steps for schedule "
            "cosine, linear and one_cycle, got 9");
  EXPECT_EQ(problem("start_lr_share: 0.1"),
            "recipe.yaml:1: train.start_lr_share: must be absent unless schedule is one_cycle, got "
            "0.1");
  EXPECT_EQ(problem("schedule: plateau, plateau_factor: 1"),
            "recipe.yaml:1: train.plateau_factor: must be in (0, 1), got 1");
  EXPECT_EQ(problem("plateau_patience: 3"),
            "recipe.yaml:1: train.plateau_patience: must be absent unless schedule is plateau, got "
            "3");
  EXPECT_EQ(problem("schedule: plateau, plateau_patience: -1"),
            "recipe.yaml:1: train.plateau_patience: must be 0 or more, got -1");
  EXPECT_NE(problem("schedule: plateau, valid_split: ''").find("needs a valid_split"),
            std::string::npos);
}

TEST(TrainOptionsTest, SmoothingAndDroppingAreOfReplies) {
  EXPECT_EQ(problem("label_smoothing: 0.1, word_drop: 0.3"), "");
  EXPECT_EQ(problem("label_smoothing: 1"),
            "recipe.yaml:1: train.label_smoothing: must be in [0, 1), got 1");
  EXPECT_EQ(problem("word_drop: -0.1"),
            "recipe.yaml:1: train.word_drop: must be in [0, 1), got -0.1");
  EXPECT_THROW(read("label_smoothing: 0.1", JudgedOn::kPairs), base::ConfigError);
  EXPECT_THROW(read("word_drop: 0.1", JudgedOn::kPairs), base::ConfigError);
}

TEST(TrainOptionsTest, EarlyStopGoesByTheFirstAnyOrAllMetrics) {
  EXPECT_EQ(read("patience: 2").stop_when, "first");
  EXPECT_EQ(read("patience: 2, stop_when: all").stop_when, "all");
  EXPECT_EQ(problem("patience: 2, stop_when: both"),
            "recipe.yaml:1: train.stop_when: must be one of first|any|all, got both");
  EXPECT_EQ(problem("stop_when: any"),
            "recipe.yaml:1: train.stop_when: must be absent unless patience is above 0, got any");
}

TEST(TrainOptionsTest, ReadsGroupsOfParameters) {
  const auto o = read(
      "weight_decay: 0.2, groups: [{match: 'encoder.*', lr_scale: 0.1, weight_decay: 0}, "
      "{match: '*', frozen: true}]");
  EXPECT_EQ(o.groups,
            (std::vector<ParameterGroup>{{.match = "encoder.*", .lr_scale = 0.1, .weight_decay = 0},
                                         {.match = "*", .weight_decay = 0.2, .frozen = true}}));
  EXPECT_NE(problem("groups: [{lr_scale: 1}]").find("groups.0.match: is missing"),
            std::string::npos);
  EXPECT_NE(problem("groups: [{match: a, lr_scale: -1}]")
                .find("groups.0.lr_scale: must be 0 or more, got -1"),
            std::string::npos);
  EXPECT_NE(problem("groups: [{match: a, frozen: true, lr_scale: 2}]")
                .find("lr_scale: must be absent where frozen is true, got 2"),
            std::string::npos);
  EXPECT_NE(problem("groups: [{match: a, rate: 2}]").find("rate: unknown key"), std::string::npos);
}

}  // namespace
}  // namespace banter::train
