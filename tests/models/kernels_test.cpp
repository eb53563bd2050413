#include "models/kernels/kernels.h"

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace banter::models {
namespace {

std::vector<float> random_floats(std::size_t count, unsigned seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (auto& value : values)
    value = scale * (static_cast<float>(generator()) / 2147483648.0F - 1.0F);
  return values;
}

/// Every table this CPU can run.
class KernelsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (kernels_named<float>(GetParam().c_str()) == nullptr)
      GTEST_SKIP() << "this CPU cannot run the " << GetParam() << " kernels";
  }
  [[nodiscard]] const Kernels<float>& table() const {
    return *kernels_named<float>(GetParam().c_str());
  }
};

TEST_P(KernelsTest, GruForwardIsTheEquation) {
  constexpr std::int64_t n = 3, H = 37;
  const auto gi = random_floats(n * 3 * H, 1, 4), gh = random_floats(n * 3 * H, 2, 4);
  const auto h = random_floats(n * H, 3);
  std::vector<float> next(n * H), unsaved(n * H), saved(n * 4 * H);
  table().gru_forward(n, H, gi.data(), gh.data(), h.data(), next.data(), saved.data());
  table().gru_forward(n, H, gi.data(), gh.data(), h.data(), unsaved.data(), nullptr);
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t j = 0; j < H; ++j) {
      const auto at = row * 3 * H + j;
      const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
      const double r = sigmoid(double{gi[at]} + double{gh[at]});
      const double z = sigmoid(double{gi[at + H]} + double{gh[at + H]});
      const double c = std::tanh(double{gi[at + 2 * H]} + r * double{gh[at + 2 * H]});
      EXPECT_NEAR(next[row * H + j], (1 - z) * c + z * double{h[row * H + j]}, 1e-6);
    }
  }
  EXPECT_EQ(next, unsaved);
}

TEST_P(KernelsTest, GatesStayFiniteAtExtremeInputs) {
  const std::vector<float> gi = {1e30F, -1e30F, 1e30F}, gh = {-500, 500, -500}, h = {0.5F};
  std::vector<float> next(1);
  table().gru_forward(1, 1, gi.data(), gh.data(), h.data(), next.data(), nullptr);
  EXPECT_TRUE(std::isfinite(next[0]));
}

TEST_P(KernelsTest, ARowTimesAMatrixDoesNotDependOnTheOtherRows) {
  constexpr std::int64_t N = 19, K = 133, O = 41;
  const auto x = random_floats(N * K, 4), weight = random_floats(O * K, 5);
  const auto bias = random_floats(O, 6);
  std::vector<float> together(N * O);
  table().rows_times_matrix(0, O, N, K, O, x.data(), weight.data(), K, bias.data(),
                            together.data());
  for (std::int64_t n = 0; n < N; ++n) {
    std::vector<float> alone(O);
    table().rows_times_matrix(0, 20, 1, K, O, x.data() + n * K, weight.data(), K, bias.data(),
                              alone.data());
    table().rows_times_matrix(20, O, 1, K, O, x.data() + n * K, weight.data(), K, bias.data(),
                              alone.data());
    EXPECT_EQ(std::memcmp(alone.data(), together.data() + n * O, O * sizeof(float)), 0) << n;
    double expected = bias[7];
    for (std::size_t k = 0; k < K; ++k)
      expected += double{x[static_cast<std::size_t>(n) * K + k]} * double{weight[7 * K + k]};
    EXPECT_NEAR(alone[7], expected, 1e-4);
  }
}

TEST_P(KernelsTest, AttentionWeightsAreASoftmaxOverTheKeptRowsOnly) {
  constexpr std::int64_t K = 21;
  const auto query = random_floats(2 * K, 7), keys = random_floats(5 * K, 8);
  const auto v = random_floats(K, 9);
  const std::vector<std::int64_t> index = {4, -1, 2, -1, -1, -1};
  std::vector<float> weights(6, -1);
  table().additive_weights(0, 2, K, query.data(), keys.data(), {index.data(), 3}, v.data(),
                           weights.data());
  const auto score = [&](std::size_t row) {
    double sum = 0;
    for (std::size_t k = 0; k < K; ++k)
      sum += double{v[k]} * std::tanh(double{keys[row * K + k]} + double{query[k]});
    return sum;
  };
  const double a = std::exp(score(4)), b = std::exp(score(2));
  EXPECT_NEAR(weights[0], a / (a + b), 1e-6);
  EXPECT_NEAR(weights[2], b / (a + b), 1e-6);
  EXPECT_EQ(weights[1], 0.0F);
  for (std::size_t u = 3; u < 6; ++u) EXPECT_EQ(weights[u], 0.0F) << "a query without rows";
}

TEST_P(KernelsTest, CrossEntropyIsMinusTheLogOfTheSoftmax) {
  constexpr std::int64_t P = 3, V = 1301;
  auto logits = random_floats(P * V, 10, 12);
  logits[V + 4] = logits[V + 9] = 40;  // a tie: only the first counts as the arg max
  const std::vector<std::int64_t> labels = {7, 9, 1300};
  std::vector<float> nll(P), forward_nll(P);
  bool correct[P];
  auto gradient = logits;
  auto untouched = logits;
  table().softmax_nll(0, P, V, untouched.data(), labels.data(), false, forward_nll.data(), correct);
  EXPECT_EQ(untouched, logits);
  table().softmax_nll(0, P, V, gradient.data(), labels.data(), true, nll.data(), correct);
  EXPECT_FALSE(correct[1]);
  for (std::size_t p = 0; p < P; ++p) {
    double sum = 0;
    for (std::size_t j = 0; j < V; ++j) sum += std::exp(double{logits[p * V + j]});
    const auto label = static_cast<std::size_t>(labels[p]);
    EXPECT_NEAR(nll[p], std::log(sum) - double{logits[p * V + label]}, 2e-5);
    EXPECT_NEAR(forward_nll[p], nll[p], 1e-6);
    for (std::size_t j = 0; j < V; j += 100) {
      const double softmax = std::exp(double{logits[p * V + j]}) / sum;
      EXPECT_NEAR(gradient[p * V + j], softmax - (j == label ? 1 : 0), 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachInstructionSet, KernelsTest,
                         testing::Values("avx512", "avx2", "baseline"),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace banter::models
