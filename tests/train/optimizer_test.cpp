#include "train/optimizer.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/errors.h"
#include "train/arena.h"

namespace banter::train {
namespace {

/// A module with matrices, a vector and a table, whose sizes are no multiples of 16.
struct Net : torch::nn::Module {
  Net() {
    torch::manual_seed(3);
    embedding = register_module("embedding", torch::nn::Embedding(7, 5));
    linear = register_module("linear", torch::nn::Linear(5, 3));
  }
  torch::Tensor loss() {
    const auto rows = embedding(torch::arange(7));
    return linear(rows).pow(2).sum() + linear->bias.sin().sum();
  }
  torch::nn::Embedding embedding{nullptr};
  torch::nn::Linear linear{nullptr};
};

TrainOptions options() {
  TrainOptions o;
  o.beta1 = 0.9;
  o.beta2 = 0.97;
  o.eps = 1e-8;
  o.weight_decay = 0.1;
  return o;
}

TEST(ArenaTest, HoldsEveryParameterAndGradientAsAView) {
  Net net;
  const auto before = net.linear->weight.clone();
  Arena arena(net, decay_rules());
  EXPECT_TRUE(arena.is_tied());
  EXPECT_TRUE(torch::equal(net.linear->weight, before));
  net.loss().backward();
  EXPECT_TRUE(arena.is_tied()) << "backward adds into the arena and allocates nothing";
  EXPECT_TRUE(torch::equal(arena.named(arena.grads).at("linear.bias"), net.linear->bias.grad()));
  EXPECT_GT(arena.grads.abs().sum().item<float>(), 0);
  net.zero_grad();
  EXPECT_FALSE(arena.is_tied());
}

TEST(ArenaTest, SortsParametersIntoRanges) {
  Net net;
  const Arena arena(net, decay_rules());
  ASSERT_EQ(arena.ranges.size(), 2U);
  EXPECT_EQ(arena.ranges[0].begin, 0);
  EXPECT_EQ(arena.ranges[0].end, 48 + 16);  // 35 and 15 places, each rounded up to 64 bytes
  EXPECT_TRUE(arena.ranges[0].rule.decays);
  EXPECT_EQ(arena.ranges[1].end, arena.values.numel());
  EXPECT_FALSE(arena.ranges[1].rule.decays);
  const auto bias = arena.named(arena.values).at("linear.bias");
  EXPECT_GE(bias.storage_offset(), arena.ranges[1].begin);
}

TEST(ArenaTest, ParametersThatStartLaterAreRangesOfTheirOwn) {
  Net net;
  const Arena arena(net, decay_rules(net, [](const std::string& name) {
                      return name.starts_with("linear") ? std::int64_t{5} : std::int64_t{0};
                    }));
  std::map<std::string, std::pair<std::int64_t, bool>> ranges;
  for (const auto& range : arena.ranges)
    ranges[range.rule.name] = {range.rule.active_from, range.rule.decays};
  EXPECT_EQ(ranges,
            (std::map<std::string, std::pair<std::int64_t, bool>>{{"matrices", {0, true}},
                                                                  {"matrices_from_5", {5, true}},
                                                                  {"vectors_from_5", {5, false}}}));
  const auto weight = arena.named(arena.values).at("linear.weight");
  EXPECT_GE(weight.storage_offset(), arena.ranges[1].begin);
  EXPECT_LT(weight.storage_offset(), arena.ranges[1].end);
}

TEST(ArenaTest, RefusesAParameterThatNoRuleTakesOrThatIsNotFloat32) {
  Net net;
  EXPECT_THROW(Arena(net, {decay_rules().front()}), base::ShapeError);
  Net wide;
  wide.to(torch::kDouble);
  EXPECT_THROW(Arena(wide, decay_rules()), base::ShapeError);
}

TEST(AdamWTest, EqualsTorchOver20StepsWithAndWithoutDecay) {
  Net ours, theirs;
  Arena arena(ours, decay_rules());
  AdamW optimizer(arena, options());
  using torch::optim::AdamWOptions;
  const auto of = [](double decay) {
    return std::make_unique<AdamWOptions>(
        AdamWOptions(0.01).betas({0.9, 0.97}).eps(1e-8).weight_decay(decay));
  };
  torch::optim::AdamW reference({torch::optim::OptimizerParamGroup(
                                     {theirs.embedding->weight, theirs.linear->weight}, of(0.1)),
                                 torch::optim::OptimizerParamGroup({theirs.linear->bias}, of(0.0))},
                                AdamWOptions(0.01));
  for (int step = 1; step <= 20; ++step) {
    arena.grads.zero_();
    ours.loss().backward();
    optimizer.update(step, 0.01);
    reference.zero_grad();
    theirs.loss().backward();
    reference.step();
    for (std::size_t i = 0; i < ours.parameters().size(); ++i)
      ASSERT_TRUE(torch::allclose(ours.parameters()[i], theirs.parameters()[i], 1e-5, 1e-7))
          << "step " << step << ", parameter " << i;
  }
}

TEST(AdamWTest, DoesNotTouchARangeBeforeItsStepAndCountsItByItself) {
  Net net;
  auto rules = decay_rules();
  rules[1].active_from = 3;
  rules[0].rate_scale = 0.0;
  Arena arena(net, rules);
  AdamW optimizer(arena, options());
  const auto weight = net.linear->weight.clone(), bias = net.linear->bias.clone();
  for (int step = 1; step <= 4; ++step) {
    arena.grads.zero_();
    net.loss().backward();
    arena.hold_back(step);
    if (step < 3) {
      EXPECT_EQ(net.linear->bias.grad().abs().sum().item<float>(), 0);
    }
    optimizer.update(step, 0.01);
    EXPECT_EQ(torch::equal(net.linear->bias, bias), step < 3) << step;
  }
  EXPECT_TRUE(torch::equal(net.linear->weight, weight)) << "its rate is scaled to 0";
  EXPECT_EQ(arena.ranges[0].updates, 4);
  EXPECT_EQ(arena.ranges[1].updates, 2);
}

TEST(AdamWTest, TakesItsMomentsBackByName) {
  const auto some_steps = [](Net& net, Arena& arena, AdamW& optimizer, int from, int to) {
    for (int step = from; step <= to; ++step) {
      arena.grads.zero_();
      net.loss().backward();
      optimizer.update(step, 0.01);
    }
  };
  Net whole, second;
  Arena arena(whole, decay_rules()), other(second, decay_rules());
  AdamW optimizer(arena, options()), resumed(other, options());
  some_steps(whole, arena, optimizer, 1, 3);
  other.values.copy_(arena.values);
  resumed.set_moments(optimizer.moments());
  for (std::size_t i = 0; i < other.ranges.size(); ++i)
    other.ranges[i].updates = arena.ranges[i].updates;
  some_steps(whole, arena, optimizer, 4, 6);
  some_steps(second, other, resumed, 4, 6);
  EXPECT_TRUE(torch::equal(arena.values, other.values));
}

TEST(AdamWTest, RefusesMomentsOfAnotherModelOrWithNaN) {
  Net net;
  Arena arena(net, decay_rules());
  AdamW optimizer(arena, options());
  std::map<std::string, torch::Tensor> saved;
  for (const auto& [name, tensor] : optimizer.moments()) saved[name] = tensor.clone();
  auto renamed = saved.extract("first.linear.bias");
  renamed.key() = "first.linear.shift";
  auto other = saved;
  other.insert(std::move(renamed));
  EXPECT_THROW(optimizer.set_moments(other), base::CheckpointError);
  saved["first.linear.bias"] = torch::full({3}, NAN);
  EXPECT_THROW(optimizer.set_moments(saved), base::CheckpointError);
  EXPECT_EQ(optimizer.moments().at("first.linear.bias").abs().sum().item<float>(), 0);
}

TEST(AveragedWeightsTest, FollowsTheFormula) {
  Net net;
  Arena arena(net, decay_rules());
  const torch::NoGradGuard no_grad;
  arena.values.fill_(1.0);
  AveragedWeights average(arena, 0.25);
  arena.values.fill_(2.0);
  average.update(arena, 1);  // d = 2/11
  EXPECT_NEAR(average.flat()[0].item<double>(), 2.0 / 11 + 2 * 9.0 / 11, 1e-6);
  const auto so_far = average.flat()[0].item<double>();
  arena.values.fill_(5.0);
  average.update(arena, 1000);  // d = decay
  EXPECT_NEAR(average.flat()[0].item<double>(), 0.25 * so_far + 0.75 * 5, 1e-5);
}

}  // namespace
}  // namespace banter::train
