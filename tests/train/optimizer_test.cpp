#include "train/optimizer.h"

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

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

TEST(ArenaTest, TheGradientsLengthIsThatOfAllOfThemWhateverTheThreads) {
  for (const std::int64_t size : {1, 300, 1000}) {  // below a block of the sum, and of several
    torch::nn::Linear net(size, 257);
    Arena arena(*net, decay_rules());
    torch::manual_seed(3);
    net->weight.mutable_grad().normal_();
    net->bias.mutable_grad().normal_();
    const auto expected = std::hypot(net->weight.grad().to(torch::kDouble).norm().item<double>(),
                                     net->bias.grad().to(torch::kDouble).norm().item<double>());
    const auto threads = torch::get_num_threads();
    torch::set_num_threads(1);
    const auto alone = arena.grad_norm();
    torch::set_num_threads(4);
    EXPECT_EQ(arena.grad_norm(), alone);
    torch::set_num_threads(threads);
    EXPECT_NEAR(alone, expected, 1e-5 * expected);
    for (auto& gradient : {net->weight.grad(), net->bias.grad()}) {
      auto last = gradient.flatten()[-1];
      const auto was = last.clone();
      last.fill_(std::numeric_limits<float>::quiet_NaN());
      EXPECT_TRUE(std::isnan(arena.grad_norm()));
      last.fill_(-std::numeric_limits<float>::infinity());
      EXPECT_TRUE(std::isinf(arena.grad_norm()));
      last.copy_(was);
    }
  }
}

TEST(ArenaTest, RefusesAParameterThatNoRuleTakesOrThatIsNotFloat32) {
  Net net;
  EXPECT_THROW(Arena(net, {decay_rules().front()}), base::ShapeError);
  Net wide;
  wide.to(torch::kDouble);
  EXPECT_THROW(Arena(wide, decay_rules()), base::ShapeError);
}

/// One of LibTorch's optimizers over a Net, the bias in a group without weight decay.
template <typename Reference, typename Options>
std::unique_ptr<torch::optim::Optimizer> reference_of(Net& net, const Options& o) {
  auto plain = o;
  plain.weight_decay(0);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<torch::Tensor>{net.embedding->weight, net.linear->weight},
                      std::make_unique<Options>(o));
  groups.emplace_back(std::vector<torch::Tensor>{net.linear->bias},
                      std::make_unique<Options>(plain));
  // What a group has at the class's default (for Adam and SGD a decay of 0) comes from here.
  return std::make_unique<Reference>(groups, plain);
}

/// Takes 20 steps of both, every second one with gradients divided by 3, and compares all
/// parameters after each.
void expect_equal_over_20_steps(
    const TrainOptions& o,
    const std::function<std::unique_ptr<torch::optim::Optimizer>(Net& net)>& make_reference) {
  Net ours, theirs;
  Arena arena(ours, decay_rules());
  Optimizer optimizer(arena, o);
  const auto reference = make_reference(theirs);
  for (int step = 1; step <= 20; ++step) {
    arena.grads.zero_();
    ours.loss().backward();
    const double shorten = step % 2 == 0 ? 3 : 1;
    optimizer.update(step, o.lr, shorten);
    reference->zero_grad();
    (theirs.loss() / shorten).backward();
    reference->step();
    for (std::size_t i = 0; i < ours.parameters().size(); ++i)
      ASSERT_LT((ours.parameters()[i] - theirs.parameters()[i]).abs().max().item<double>(), 1e-6)
          << "step " << step << ", parameter " << i;
  }
}

TEST(OptimizerTest, AdamWEqualsTorchOver20StepsWithAndWithoutDecay) {
  auto o = options();
  o.lr = 0.01;
  expect_equal_over_20_steps(o, [](Net& net) {
    return reference_of<torch::optim::AdamW>(
        net, torch::optim::AdamWOptions(0.01).betas({0.9, 0.97}).eps(1e-8).weight_decay(0.1));
  });
}

TEST(OptimizerTest, AdamEqualsTorchOver20StepsWithAndWithoutDecay) {
  auto o = options();
  o.optimizer = "adam";
  o.lr = 0.01;
  expect_equal_over_20_steps(o, [](Net& net) {
    return reference_of<torch::optim::Adam>(
        net, torch::optim::AdamOptions(0.01).betas({0.9, 0.97}).eps(1e-8).weight_decay(0.1));
  });
}

TEST(OptimizerTest, SgdEqualsTorchOver20StepsInAllItsForms) {
  auto o = options();
  o.optimizer = "sgd";
  o.lr = 0.01;
  for (const auto& [momentum, nesterov] :
       {std::pair{0.0, false}, std::pair{0.8, false}, std::pair{0.8, true}}) {
    SCOPED_TRACE(testing::Message() << momentum << (nesterov ? " nesterov" : ""));
    o.momentum = momentum;
    o.nesterov = nesterov;
    expect_equal_over_20_steps(o, [&](Net& net) {
      return reference_of<torch::optim::SGD>(net, torch::optim::SGDOptions(0.01)
                                                      .momentum(o.momentum)
                                                      .nesterov(o.nesterov)
                                                      .weight_decay(0.1));
    });
  }
}

/// A module of one matrix (1,1), so that steps can be made by hand.
struct Scalar : torch::nn::Module {
  Scalar() { p = register_parameter("p", torch::full({1, 1}, 2.0)); }
  torch::Tensor p;
};

/// The values of `p` = 2 after each of the gradients 1, 3.
std::vector<double> two_steps(const TrainOptions& o) {
  Scalar net;
  Arena arena(net, decay_rules());
  Optimizer optimizer(arena, o);
  std::vector<double> values;
  for (const auto gradient : {1.0, 3.0}) {
    arena.grads[0] = gradient;
    optimizer.update(static_cast<std::int64_t>(values.size()) + 1, 0.5);
    values.push_back(net.p.item<double>());
  }
  return values;
}

TEST(OptimizerTest, MakesTheStepsThatAHandMakes) {
  TrainOptions o;
  o.weight_decay = 0.1;
  o.optimizer = "sgd";
  // g = 1 + 0.1*2 = 1.2; p = 2 - 0.6 = 1.4. g = 3.14; p = 1.4 - 1.57 = -0.17.
  auto values = two_steps(o);
  EXPECT_NEAR(values[0], 1.4, 1e-6);
  EXPECT_NEAR(values[1], -0.17, 1e-6);
  o.momentum = 0.5;  // u = 1.2, then 0.6 + 3.14 = 3.74; p = 1.4 - 1.87
  values = two_steps(o);
  EXPECT_NEAR(values[0], 1.4, 1e-6);
  EXPECT_NEAR(values[1], -0.47, 1e-6);
  // p = 2 - 0.5 (1.2 + 0.6) = 1.1; g = 3.11, u = 3.71; p = 1.1 - 0.5 (3.11 + 1.855) = -1.3825
  o.nesterov = true;
  values = two_steps(o);
  EXPECT_NEAR(values[0], 1.1, 1e-6);
  EXPECT_NEAR(values[1], -1.3825, 1e-6);

  TrainOptions a;
  a.beta1 = 0.5;
  a.beta2 = 0.75;
  a.weight_decay = 0.1;
  a.optimizer = "adam";
  // The first step is lr * sign(g). Then g = 3 + 0.15: m = 0.3 + 1.575 = 1.875, over 0.75 is 2.5;
  // v = 0.27 + 2.480625 = 2.750625, over 0.4375 is 6.287142857, its root 2.507417568.
  values = two_steps(a);
  EXPECT_NEAR(values[0], 1.5, 1e-6);
  EXPECT_NEAR(values[1], 1.5 - 0.5 * 2.5 / 2.507417568, 1e-6);
  a.optimizer = "adamw";
  // p = 2 - 0.1 - 0.5 = 1.4. Then m = 0.25 + 1.5, over 0.75 is 2.333333333; v = 0.1875 + 2.25,
  // over 0.4375 is 5.571428571, its root 2.360387377; and 0.07 of decay.
  values = two_steps(a);
  EXPECT_NEAR(values[0], 1.4, 1e-6);
  EXPECT_NEAR(values[1], 1.4 - 0.07 - 0.5 * 2.333333333 / 2.360387377, 1e-6);
}

TEST(OptimizerTest, DoesNotTouchARangeBeforeItsStepAndCountsItByItself) {
  Net net;
  auto rules = decay_rules();
  rules[1].active_from = 3;
  rules[0].rate_scale = 0.0;
  Arena arena(net, rules);
  Optimizer optimizer(arena, options());
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

TEST(OptimizerTest, TakesItsMomentsBackByName) {
  const auto some_steps = [](Net& net, Arena& arena, Optimizer& optimizer, int from, int to) {
    for (int step = from; step <= to; ++step) {
      arena.grads.zero_();
      net.loss().backward();
      optimizer.update(step, 0.01);
    }
  };
  for (const auto* kind : {"adamw", "adam", "sgd"}) {
    auto o = options();
    o.optimizer = kind;
    if (o.optimizer == "sgd") o.momentum = 0.9;
    Net whole, second;
    Arena arena(whole, decay_rules()), other(second, decay_rules());
    Optimizer optimizer(arena, o), resumed(other, o);
    some_steps(whole, arena, optimizer, 1, 3);
    other.values.copy_(arena.values);
    resumed.set_moments(optimizer.moments());
    for (std::size_t i = 0; i < other.ranges.size(); ++i)
      other.ranges[i].updates = arena.ranges[i].updates;
    some_steps(whole, arena, optimizer, 4, 6);
    some_steps(second, other, resumed, 4, 6);
    EXPECT_TRUE(torch::equal(arena.values, other.values)) << kind;
  }
}

TEST(OptimizerTest, RemembersNoMoreThanItNeeds) {
  Net net;
  Arena arena(net, decay_rules());
  auto o = options();
  EXPECT_EQ(Optimizer(arena, o).moments().size(), 6U);
  o.optimizer = "sgd";
  EXPECT_EQ(Optimizer(arena, o).moments().size(), 0U);
  o.momentum = 0.5;
  const auto moments = Optimizer(arena, o).moments();
  EXPECT_EQ(moments.size(), 3U);
  EXPECT_TRUE(moments.contains("momentum.linear.bias"));
}

TEST(OptimizerTest, RefusesMomentsOfAnotherModelOrWithNaN) {
  Net net;
  Arena arena(net, decay_rules());
  Optimizer optimizer(arena, options());
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
