// What runs on a GPU, by the kernels of the CPU that the GPU's are held to (device_kernels_test).

#include "models/layers/device_recurrence.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace banter::models {
namespace {

constexpr double kSame = 1e-5;  ///< float, the same sums in another order

class DeviceRecurrenceTest : public testing::Test {
 protected:
  DeviceRecurrenceTest() { torch::manual_seed(1); }

  static torch::Tensor random(at::IntArrayRef sizes) {
    return torch::randn(sizes).requires_grad_();
  }

  static Packing packing_of(const std::vector<std::int64_t>& lengths, std::int64_t width) {
    return make_packing(torch::arange(width).unsqueeze(0).lt(torch::tensor(lengths).unsqueeze(1)));
  }

  /// Values and gradients of both, where the last states of all rows count too.
  void expect_same(const std::vector<torch::Tensor>& leaves, const RecurrentStates& a,
                   const RecurrentStates& b) {
    EXPECT_TRUE(torch::allclose(a.states, b.states, kSame, kSame));
    ASSERT_EQ(a.weights.defined(), b.weights.defined());
    if (a.weights.defined()) {
      EXPECT_TRUE(torch::allclose(a.weights, b.weights, kSame, kSame));
    }
    const auto direction = torch::randn_like(a.states);
    const auto da = torch::autograd::grad({(a.states * direction).sum()}, leaves);
    const auto db = torch::autograd::grad({(b.states * direction).sum()}, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      EXPECT_TRUE(torch::allclose(da[i], db[i], kSame, kSame))
          << "leaf " << i << ": " << (da[i] - db[i]).abs().max();
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
