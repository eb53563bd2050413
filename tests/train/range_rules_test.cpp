#include "train/range_rules.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "base/errors.h"
#include "tests/train/trainer_fixture.h"
#include "train/optimizer.h"

namespace banter::train {
namespace {

/// encoder.linear, encoder.linear.bias, decoder.linear, decoder.linear.bias
struct Net : torch::nn::Module {
  struct Half : torch::nn::Module {
    Half() { linear = register_module("linear", torch::nn::Linear(2, 2)); }
    torch::nn::Linear linear{nullptr};
  };
  Net() {
    encoder = register_module("encoder", std::make_shared<Half>());
    decoder = register_module("decoder", std::make_shared<Half>());
  }
  std::shared_ptr<Half> encoder, decoder;
};

std::int64_t at_once(const std::string& /*name*/) { return 0; }

TrainOptions options(const std::vector<ParameterGroup>& groups) {
  TrainOptions o;
  o.optimizer = "sgd";
  o.weight_decay = 0.5;
  o.groups = groups;
  return o;
}

std::string problem(const std::vector<ParameterGroup>& groups) {
  try {
    range_rules(Net(), options(groups), at_once);
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return {};
}

TEST(MatchesTest, StarsAreAnyTextAndQuestionMarksOneCharacter) {
  for (const auto* pattern : {"encoder.weight", "encoder.*", "*", "*.weight", "e?coder.*",
                              "*coder*", "encoder.weight*", "**", "*o*e*t", "??????????????"})
    EXPECT_TRUE(matches(pattern, "encoder.weight")) << pattern;
  for (const auto* pattern : {"", "encoder", "encoder.weigh", "weight", "*.bias", "encoder.weight?",
                              "encoder.weights", "*x*", "Encoder.*"})
    EXPECT_FALSE(matches(pattern, "encoder.weight")) << pattern;
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("?", ""));
}

TEST(RangeRulesTest, WithoutGroupsTheRangesAreWhatTheyWere) {
  Net net;
  const Arena arena(net, range_rules(net, options({}), at_once));
  ASSERT_EQ(arena.ranges.size(), 2U);
  EXPECT_EQ(arena.ranges[0].rule.name, "matrices");
  EXPECT_EQ(arena.ranges[1].rule.name, "vectors");
}

TEST(RangeRulesTest, TheFirstGroupThatMatchesTakesAParameter) {
  Net net;
  Arena arena(net,
              range_rules(net,
                          options({{.match = "*.bias", .lr_scale = 0.5, .weight_decay = 0.5},
                                   {.match = "encoder.*", .lr_scale = 2, .weight_decay = 0.1}}),
                          at_once));
  const auto before = arena.values.clone();
  const auto was = arena.named(before);
  arena.grads.fill_(1);
  Optimizer optimizer(arena, options({}));
  optimizer.update(1, 0.1);
  const auto is = arena.named(arena.values);
  const auto expect = [&](const std::string& name, const torch::Tensor& value) {
    EXPECT_TRUE(torch::allclose(is.at(name), value, 1e-6, 1e-7)) << name;
  };
  expect("encoder.linear.bias", was.at("encoder.linear.bias") - 0.05);
  expect("decoder.linear.bias", was.at("decoder.linear.bias") - 0.05);
  const auto& encoder = was.at("encoder.linear.weight");
  expect("encoder.linear.weight", encoder - 0.2 * (1 + 0.1 * encoder));
  const auto& decoder = was.at("decoder.linear.weight");
  expect("decoder.linear.weight", decoder - 0.1 * (1 + 0.5 * decoder));

  std::vector<std::string> names;
  for (const auto& range : arena.ranges) names.push_back(range.rule.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"vectors_of_group_1", "matrices_of_group_2", "matrices"}));
}

TEST(RangeRulesTest, AFrozenGroupNeverMovesNorCountsInTheNorm) {
  Net net;
  Arena arena(net, range_rules(net, options({{.match = "encoder.*", .frozen = true}}), at_once));
  const auto encoder = net.encoder->linear->weight.clone();
  Optimizer optimizer(arena, options({}));
  for (int step = 1; step <= 3; ++step) {
    arena.grads.fill_(1);
    arena.hold_back(step);
    EXPECT_EQ(net.encoder->linear->bias.grad().sum().item<double>(), 0);
    EXPECT_EQ(net.decoder->linear->bias.grad().sum().item<double>(), 2);
    optimizer.update(step, 0.1);
  }
  EXPECT_TRUE(torch::equal(net.encoder->linear->weight, encoder));
}

TEST(RangeRulesTest, SaysWhichPatternTakesNothingAndWhatIsNear) {
  EXPECT_EQ(problem({{.match = "encodr.*"}}),
            "train.groups.0.match: \"encodr.*\" matches no parameter of the model; near names: "
            "encoder.linear.weight, encoder.linear.bias, decoder.linear.weight");
  EXPECT_EQ(problem({{.match = "*"}, {.match = "*.bias"}}),
            "train.groups.1.match: \"*.bias\" matches only parameters that groups before it take");
  EXPECT_EQ(problem({{.match = "*.bias", .weight_decay = 0.1}}),
            "train.groups.0.weight_decay: \"*.bias\" has no matrix, and weight decay pulls at "
            "matrices only; leave it out");
  EXPECT_EQ(problem({{.match = "encoder.*", .frozen = true}, {.match = "de*", .frozen = true}}),
            "train.groups: every parameter of the model is frozen");
}

/// The whole of it in a run: what is frozen stays, what has a rate of 0 stays, and it goes on.
TEST_F(TrainerTest, ACrashedRunWithGroupsEndsLikeAnUnbrokenOne) {
  const std::vector<std::string> groups = {
      "train.groups=[{match: embedding.*, frozen: true}, {match: output.*, lr_scale: 0, "
      "weight_decay: 0}, {match: '*bias*', lr_scale: 0.5}]",
      "train.save_every=1", "train.keep_last=20"};
  train(recipe("whole", groups));
  EXPECT_THROW(train(recipe("broken", groups), 6), Crash);
  train(recipe("broken", groups));
  EXPECT_EQ(contents(place / "whole"), contents(place / "broken"));
  const auto first = weights(place / "whole", 1), last = weights(place / "whole", 8);
  std::map<std::string, bool> moved;
  for (const auto& [name, tensor] : last)
    moved[name.substr(0, name.find('.'))] |= !torch::equal(tensor, first.at(name));
  EXPECT_FALSE(moved.at("embedding"));
  EXPECT_FALSE(moved.at("output"));
  EXPECT_TRUE(moved.at("decoder"));
}

}  // namespace
}  // namespace banter::train
