#include "train/schedule.h"

#include <cmath>

#include <gtest/gtest.h>
#include <torch/optim.h>
#include <torch/types.h>

namespace banter::train {
namespace {

TrainOptions options(const std::string& schedule) {
  TrainOptions o;
  o.lr = 0.8;
  o.schedule = schedule;
  o.warmup_steps = 4;
  o.schedule_steps = 12;
  o.final_lr_share = 0.5;
  return o;
}

TEST(ScheduleTest, AllRiseLinearlyOverTheWarmUp) {
  for (const auto* name : {"constant", "inverse_sqrt", "cosine", "linear", "plateau"}) {
    EXPECT_DOUBLE_EQ(learning_rate(options(name), 1), 0.2) << name;
    EXPECT_DOUBLE_EQ(learning_rate(options(name), 3), 0.6) << name;
    EXPECT_DOUBLE_EQ(learning_rate(options(name), 4), 0.8) << name;
  }
}

TEST(ScheduleTest, ConstantStays) {
  EXPECT_DOUBLE_EQ(learning_rate(options("constant"), 1000), 0.8);
}

TEST(ScheduleTest, InverseSqrtHalvesAtFourTimesTheWarmUp) {
  EXPECT_DOUBLE_EQ(learning_rate(options("inverse_sqrt"), 16), 0.4);
  EXPECT_DOUBLE_EQ(learning_rate(options("inverse_sqrt"), 64), 0.2);
}

TEST(ScheduleTest, LinearAndCosineFallToTheirEndAndStayThere) {
  EXPECT_DOUBLE_EQ(learning_rate(options("linear"), 6), 0.7);  // a quarter of the way to 0.4
  EXPECT_DOUBLE_EQ(learning_rate(options("linear"), 8), 0.6);
  EXPECT_DOUBLE_EQ(learning_rate(options("cosine"), 8), 0.6);  // both are half-way there
  EXPECT_NEAR(learning_rate(options("cosine"), 6), 0.4 + 0.4 * (1 + 0.70710678118654752) / 2,
              1e-15);
  for (const auto* name : {"linear", "cosine"}) {
    EXPECT_DOUBLE_EQ(learning_rate(options(name), 12), 0.4) << name;
    EXPECT_DOUBLE_EQ(learning_rate(options(name), 50), 0.4) << name;
  }
}

TEST(ScheduleTest, OneCycleRisesAndFallsByHalfCosines) {
  auto o = options("one_cycle");
  o.start_lr_share = 0.1;
  EXPECT_NEAR(learning_rate(o, 0), 0.08, 1e-15);
  EXPECT_NEAR(learning_rate(o, 1), 0.08 + 0.72 * (1 - 0.70710678118654752) / 2, 1e-15);
  EXPECT_NEAR(learning_rate(o, 2), 0.44, 1e-15);
  EXPECT_DOUBLE_EQ(learning_rate(o, 4), 0.8);
  EXPECT_DOUBLE_EQ(learning_rate(o, 8), 0.6);
  EXPECT_DOUBLE_EQ(learning_rate(o, 12), 0.4);
  EXPECT_DOUBLE_EQ(learning_rate(o, 50), 0.4);
}

TEST(ScheduleTest, PlateauIsTheRateTimesItsFactor) {
  const auto o = options("plateau");
  EXPECT_DOUBLE_EQ(learning_rate(o, 2, 0.5), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(o, 4, 0.5), 0.4);
  EXPECT_DOUBLE_EQ(learning_rate(o, 9, 1), 0.8);
  TrainState state;
  EXPECT_DOUBLE_EQ(learning_rate(o, 9, state), 0.8);
  state.plateau = Plateau{.best = {}, .factor = 0.25};
  EXPECT_DOUBLE_EQ(learning_rate(o, 9, state), 0.2);
}

TEST(ScheduleTest, PlateauLowersItsFactorAfterMoreBadValidationsThanItBears) {
  auto o = options("plateau");
  o.final_lr_share = 0.3;
  o.plateau_patience = 1;
  Plateau seen;
  const auto then = [&](double value) { return seen = after_validation(o, seen, value); };
  EXPECT_EQ(then(NAN), (Plateau{{}, 1, 1}));
  EXPECT_EQ(then(5), (Plateau{5, 0, 1}));
  EXPECT_EQ(then(5), (Plateau{5, 1, 1})) << "equal is no new best";
  EXPECT_EQ(then(6), (Plateau{5, 0, 0.5}));
  EXPECT_EQ(then(4), (Plateau{4, 0, 0.5}));
  EXPECT_EQ(then(NAN), (Plateau{4, 1, 0.5}));
  EXPECT_EQ(then(9), (Plateau{4, 0, 0.3})) << "not below final_lr_share";
  o.keep_best = {"token_accuracy"};
  EXPECT_EQ(then(9), (Plateau{9, 0, 0.3})) << "the metric says which way is better";
}

TEST(ScheduleTest, PlateauEqualsTorchs) {
  auto o = options("plateau");
  o.lr = 1;
  o.warmup_steps = 0;
  o.final_lr_share = 0;
  const auto p = torch::zeros({1});
  torch::optim::SGD optimizer({p}, torch::optim::SGDOptions(1));
  torch::optim::ReduceLROnPlateauScheduler reference(
      optimizer, torch::optim::ReduceLROnPlateauScheduler::min, 0.5F, 2, /*threshold=*/0);
  TrainState state;
  state.plateau.emplace();
  int falls = 0;
  for (int i = 0; i < 60; ++i) {
    const float value = static_cast<float>((i * 37) % 61) - 0.5F * static_cast<float>(i);
    reference.step(value);
    const auto before = state.plateau->factor;
    state.plateau = after_validation(o, *state.plateau, value);
    falls += state.plateau->factor < before ? 1 : 0;
    const auto expected =
        static_cast<const torch::optim::SGDOptions&>(optimizer.param_groups()[0].options()).lr();
    if (expected < 1e-7) break;  // torch leaves changes below 1e-8 out
    EXPECT_DOUBLE_EQ(learning_rate(o, i + 1, state), expected) << i;
  }
  EXPECT_GT(falls, 3);
}

TEST(ScheduleTest, WithoutWarmUpItStartsAtTheTop) {
  for (const auto* name : {"constant", "inverse_sqrt"}) {
    auto o = options(name);
    o.warmup_steps = 0;
    EXPECT_DOUBLE_EQ(learning_rate(o, 1), 0.8) << name;
  }
}

}  // namespace
}  // namespace banter::train
