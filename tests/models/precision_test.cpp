#include "models/precision.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/models/model_test.h"
#include "tests/models/tiny_sizes.h"

namespace banter::models {
namespace {

constexpr double kNarrow = 0.03;  ///< of a loss: bfloat16 has 8 bits

/// Losses and gradient of a model in float32, with products of bfloat16 numbers or without.
std::pair<std::vector<LossSum>, std::vector<torch::Tensor>> learned(DialogueModel& model,
                                                                    const data::Batch& batch,
                                                                    bool narrow) {
  torch::manual_seed(1);
  std::optional<Bf16Products> products;
  if (narrow) products.emplace(torch::kCPU);
  auto losses = model.losses(batch);
  products.reset();
  auto total = torch::zeros({});
  for (const auto& loss : losses) total = total + loss.sum / static_cast<double>(loss.count);
  auto gradients = torch::autograd::grad({total}, model.parameters(), {}, {}, false,
                                         /*allow_unused=*/true);
  return {std::move(losses), std::move(gradients)};
}

class PrecisionTest : public testing::TestWithParam<const char*> {};

TEST_P(PrecisionTest, AModelLearnsInBfloat16AsInFloat32) {
  const std::string yaml = GetParam() + std::string("\n");
  const auto model = tiny_model(yaml + sizes_of(yaml));
  model->to(torch::kFloat);
  model->train();
  torch::manual_seed(2);
  move_parameters(*model);
  const auto batch = tiny_batch(tiny_contexts({3, 1, 5}, 7, /*facts=*/2));
  const auto [exact, exact_gradients] = learned(*model, batch, false);
  const auto [near, gradients] = learned(*model, batch, true);
  ASSERT_EQ(near.size(), exact.size());
  bool differ = false;
  for (std::size_t i = 0; i < near.size(); ++i) {
    EXPECT_EQ(near[i].sum.scalar_type(), torch::kFloat) << near[i].name;
    const auto a = near[i].sum.item<double>(), b = exact[i].sum.item<double>();
    EXPECT_NEAR(a, b, kNarrow * std::abs(b)) << near[i].name;
    differ = differ || a != b;
  }
  EXPECT_TRUE(differ) << "nothing was made of bfloat16 numbers";
  double dot = 0, squares = 0, exact_squares = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    ASSERT_EQ(gradients[i].defined(), exact_gradients[i].defined());
    if (!gradients[i].defined()) continue;
    EXPECT_EQ(gradients[i].scalar_type(), torch::kFloat);
    dot += (gradients[i] * exact_gradients[i]).sum().item<double>();
    squares += gradients[i].square().sum().item<double>();
    exact_squares += exact_gradients[i].square().sum().item<double>();
  }
  EXPECT_GT(dot / std::sqrt(squares * exact_squares), 1 - kNarrow);
  EXPECT_NEAR(squares / exact_squares, 1, 10 * kNarrow);
}

INSTANTIATE_TEST_SUITE_P(
    Models, PrecisionTest,
    testing::Values(
        "type: hran", "type: hred\nbidirectional: true", "type: hred\ntied: true",
        "type: hred\nlayers: 2", "type: hred\nlayers: 2\ncombine: weighted\ngate: state",
        "type: hred\ncombine: max", "type: hred\nattention: none",
        "type: hred\nattention: static\nword_attention: true\ncontext_rnn: true",
        "type: hred\nword_attention: true\nturn_positions: learned",
        "type: hred\nencoder: transformer\nheads: 3\nffn_dim: 14", "type: vhred\nlatent_dim: 5",
        "type: wseq", "type: seq2seq\nbidirectional: true", "type: recosa\npositions: rope",
        "type: transformer\nnorm: post", "type: transformer\npositions: rope\ntied: false",
        "type: stack_propagation\nconsistency_layers: 2",
        "type: stack_propagation\npreset: paper\nmax_draft_tokens: 5",
        "type: stack_propagation\npreset: released_code\nmax_draft_tokens: 5"),
    [](const auto& which) { return "Model" + std::to_string(which.index); });

TEST(Bf16ProductsTest, AreOverWithTheGuardAndSeeWeightsThatChanged) {
  const auto x = torch::full({2, 16}, 1.01F), weight = torch::ones({4, 16}).requires_grad_();
  const auto product = [&] {
    const Bf16Products narrow(torch::kCPU);
    return torch::linear(x, weight);
  };
  const auto first = product();
  EXPECT_EQ(first.scalar_type(), torch::kBFloat16);
  weight.data().mul_(2);  // as the optimizer's kernel does: no version tells of it
  EXPECT_TRUE(torch::equal(product(), 2 * first));
  EXPECT_EQ(torch::linear(x, weight).scalar_type(), torch::kFloat);
}

TEST(Bf16ProductsTest, GuardsStandInOneAnother) {
  const auto x = torch::ones({2, 2});
  const Bf16Products outer(torch::kCPU);
  { const Bf16Products inner(torch::kCPU); }
  EXPECT_EQ(x.mm(x).scalar_type(), torch::kBFloat16);
}

}  // namespace
}  // namespace banter::models
