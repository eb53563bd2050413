// What runs on a GPU, by the kernels of the CPU that the GPU's are held to (device_kernels_test).

#include "models/layers/device_recurrence.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "models/layers/device_attention.h"
#include "models/precision.h"
#include "tests/models/same_gradients.h"

namespace banter::models {
namespace {

constexpr double kSame = 1e-5;    ///< float, the same sums in another order
constexpr float kNarrow = 0.05F;  ///< of a length: bfloat16 has 8 bits

class DeviceRecurrenceTest : public testing::Test {
 protected:
  DeviceRecurrenceTest() { torch::manual_seed(1); }

  static torch::Tensor random(at::IntArrayRef sizes) {
    return torch::randn(sizes).requires_grad_();
  }

  static Packing packing_of(const std::vector<std::int64_t>& lengths, std::int64_t width) {
    return make_packing(torch::arange(width).unsqueeze(0).lt(torch::tensor(lengths).unsqueeze(1)));
  }

  static void expect_same(const std::vector<torch::Tensor>& leaves, const torch::Tensor& a,
                          const torch::Tensor& b) {
    models::expect_same(leaves, a, b, kSame);
  }
  static void expect_same(const std::vector<torch::Tensor>& leaves, const RecurrentStates& a,
                          const RecurrentStates& b) {
    ASSERT_EQ(a.weights.defined(), b.weights.defined());
    if (a.weights.defined()) {
      EXPECT_TRUE(torch::allclose(a.weights, b.weights, kSame, kSame));
    }
    expect_same(leaves, a.states, b.states);
  }
};

TEST_F(DeviceRecurrenceTest, EqualsTheOneOfTheCpu) {
  const auto packing = packing_of({2, 5, 0, 4}, 5);
  const std::int64_t H = 6, P = packing.places();
  const auto gates = random({P, 3 * H}), start = random({4, H});
  const auto w = random({3 * H, H}), b = random({3 * H});
  expect_same({gates, start, w, b},
              gru_recurrence_by(reference_kernels(), gates, start, w, b, packing, std::nullopt),
              gru_recurrence(gates, start, w, b, packing));
  expect_same({gates, w, b},
              gru_recurrence_by(reference_kernels(), gates, {}, w, b, packing, std::nullopt),
              gru_recurrence(gates, {}, w, b, packing));
}

/// Rows end at different steps, so the places of a row of the table change.
TEST_F(DeviceRecurrenceTest, EqualsTheOneOfTheCpuWithAttention) {
  const auto packing = packing_of({2, 5, 3}, 5);
  const std::int64_t H = 6, K = 4, P = packing.places();
  const auto gates = random({P, 3 * H}), start = random({3, H});
  const auto w = random({3 * H, H}), b = random({3 * H});
  const auto index = torch::tensor({{0, 2, -1}, {1, 0, 3}, {-1, -1, -1}});
  const RecurrentAttention attention{random({K, H}), random({K}), random({5, K}),
                                     random({5, 3 * H}), index};
  expect_same(
      {gates, start, w, b, attention.query_weight, attention.v, attention.keys, attention.values},
      gru_recurrence_by(reference_kernels(), gates, start, w, b, packing, attention),
      gru_recurrence(gates, start, w, b, packing, attention));
}

/// Weights count in the loss, too; a row of the table is looked at by several queries, or by none.
TEST_F(DeviceRecurrenceTest, AttentionEqualsTheOneOfTheCpu) {
  const auto query = random({3, 4}), keys = random({5, 4}), v = random({4}),
             values = random({5, 6});
  const auto index = torch::tensor({{0, 2, -1}, {1, 0, 3}, {-1, -1, -1}});
  const auto a = additive_attention_by(reference_kernels(), query, keys, v, values, index);
  const auto b = additive_attention(query, keys, v, values, index);
  const std::vector<torch::Tensor> leaves = {query, keys, v, values};
  expect_same(leaves, torch::cat({a.weights, a.vectors}, 1), torch::cat({b.weights, b.vectors}, 1));
  const auto none = additive_attention_by(reference_kernels(), query.slice(0, 0, 0), keys, v,
                                          values, index.slice(0, 0, 0));
  EXPECT_EQ(none.vectors.sizes(), (std::vector<std::int64_t>{0, 6}));
}

/// Products of bfloat16 numbers, as on a GPU: near the ones of float32, forward and back.
TEST_F(DeviceRecurrenceTest, LearnsInBfloat16AsInFloat32) {
  const auto packing = packing_of({2, 5, 3}, 5);
  const std::int64_t H = 6, K = 4;
  const auto gates = random({packing.places(), 3 * H}), start = random({3, H});
  const auto w = random({3 * H, H}), b = random({3 * H});
  const RecurrentAttention attention{random({K, H}), random({K}), random({5, K}),
                                     random({5, 3 * H}),
                                     torch::tensor({{0, 2, -1}, {1, 0, 3}, {-1, -1, -1}})};
  const auto learned = [&](bool narrow) {
    std::optional<Bf16Products> products;
    if (narrow) products.emplace(torch::kCPU);
    auto states =
        gru_recurrence_by(reference_kernels(), gates, start, w, b, packing, attention).states;
    products.reset();
    auto gradients = torch::autograd::grad(
        {states.square().sum()}, {gates, start, w, b, attention.query_weight, attention.keys});
    gradients.insert(gradients.begin(), states);
    return gradients;
  };
  const auto exact = learned(false), near = learned(true);
  EXPECT_FALSE(torch::equal(exact[0], near[0])) << "nothing was made of bfloat16 numbers";
  for (std::size_t i = 0; i < exact.size(); ++i) {
    EXPECT_EQ(near[i].scalar_type(), torch::kFloat);
    EXPECT_LT((near[i] - exact[i]).norm().item<float>(), kNarrow * exact[i].norm().item<float>())
        << i;
  }
}

TEST_F(DeviceRecurrenceTest, NothingToRunOverIsNothing) {
  const auto packing = packing_of({0, 0}, 3);
  const auto states = gru_recurrence_by(reference_kernels(), random({0, 6}), random({2, 2}),
                                        random({6, 2}), random({6}), packing, std::nullopt)
                          .states;
  EXPECT_EQ(states.sizes(), (std::vector<std::int64_t>{0, 2}));
}

TEST_F(DeviceRecurrenceTest, AStepEqualsTheOneOfTheCpu) {
  const torch::NoGradGuard no_grad;
  const auto gates = torch::randn({3, 12}), hidden = torch::randn({3, 12}),
             h = torch::randn({3, 4});
  EXPECT_TRUE(
      torch::equal(gru_cell_by(reference_kernels(), gates, hidden, h), gru_cell(gates, hidden, h)));
}

}  // namespace
}  // namespace banter::models
