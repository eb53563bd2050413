#include "train/schedule.h"

#include <gtest/gtest.h>

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
  for (const auto* name : {"constant", "inverse_sqrt", "cosine", "linear"}) {
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

TEST(ScheduleTest, WithoutWarmUpItStartsAtTheTop) {
  for (const auto* name : {"constant", "inverse_sqrt"}) {
    auto o = options(name);
    o.warmup_steps = 0;
    EXPECT_DOUBLE_EQ(learning_rate(o, 1), 0.8) << name;
  }
}

}  // namespace
}  // namespace banter::train
