#include "models/kernels/label_bounds.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <immintrin.h>

#include "models/kernels/kernels.h"

namespace banter::models {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Numbers of a bell curve: features and weights as they are.
std::vector<float> normal_floats(std::int64_t count, unsigned seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (auto& value : values) value = normal(generator);
  return values;
}

struct PackedLabels {
  PackedLabels(std::int64_t V, std::int64_t K, const std::vector<float>& weight,
               const std::vector<float>& bias)
      : panels((V + kLabelPanel - 1) / kLabelPanel) {
    const auto quads = (K + 3) / 4, places = panels * kLabelPanel;
    bytes.resize(static_cast<std::size_t>(places * quads * 4));
    for (auto* numbers : {&scale, &biases, &error, &norm, &slack})
      numbers->resize(static_cast<std::size_t>(places));
    pack_label_bytes(0, panels, V, K, weight.data(), bias.data(), bytes.data(), scale.data(),
                     biases.data(), error.data(), norm.data(), slack.data());
    labels = {.quads = quads,
              .bytes = bytes.data(),
              .scale = scale.data(),
              .bias = biases.data(),
              .error = error.data(),
              .norm = norm.data(),
              .slack = slack.data()};
  }

  std::int64_t panels;
  std::vector<std::uint8_t> bytes;
  std::vector<float> scale, biases, error, norm, slack;
  LabelBytes labels;
};

struct Bounds {
  std::vector<float> upper, highest_upper, highest_lower, scale;
};

/// Every table this CPU can run.
class LabelBoundsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (label_bound_kernels_named(GetParam().c_str()) == nullptr)
      GTEST_SKIP() << "this CPU cannot run the " << GetParam() << " kernels";
  }

  [[nodiscard]] static Bounds bounds(std::int64_t N, std::int64_t K, const PackedLabels& packed,
                                     const std::vector<float>& x) {
    const auto& table = *label_bound_kernels_named(GetParam().c_str());
    std::vector<std::int8_t> bytes(static_cast<std::size_t>(N * packed.labels.quads * 4));
    std::vector<std::int32_t> sums(static_cast<std::size_t>(N));
    std::vector<float> length(sums.size()), error(sums.size());
    Bounds b{.upper = std::vector<float>(static_cast<std::size_t>(N * packed.panels * kLabelPanel)),
             .highest_upper = std::vector<float>(static_cast<std::size_t>(N * packed.panels)),
             .highest_lower = std::vector<float>(static_cast<std::size_t>(N * packed.panels)),
             .scale = std::vector<float>(sums.size())};
    table.features(N, K, x.data(), bytes.data(), sums.data(), b.scale.data(), length.data(),
                   error.data());
    table.bounds(0, packed.panels, packed.panels, N, packed.labels,
                 {bytes.data(), sums.data(), b.scale.data(), length.data(), error.data()},
                 b.upper.data(), b.highest_upper.data(), b.highest_lower.data());
    return b;
  }

  /// No logit, as float kernels make it or exact, is above its bound; the panel's numbers are those
  /// of its labels. `reach`: the mean distance of bounds and logits is less.
  static void expect_bounds(std::int64_t N, std::int64_t V, std::int64_t K,
                            const std::vector<float>& weight, const std::vector<float>& bias,
                            const std::vector<float>& x, double reach) {
    const PackedLabels packed(V, K, weight, bias);
    const auto b = bounds(N, K, packed, x);
    std::vector<std::int64_t> all(static_cast<std::size_t>(V));
    for (std::size_t v = 0; v < all.size(); ++v) all[v] = static_cast<std::int64_t>(v);
    std::vector<float> logits(all.size());
    double above = 0;
    for (std::int64_t n = 0; n < N; ++n) {
      const float* row = x.data() + n * K;
      kernels<float>().row_times_some(V, K, row, weight.data(), all.data(), bias.data(),
                                      logits.data());
      for (std::int64_t p = 0; p < packed.panels; ++p) {
        float highest_upper = -kInfinity, highest_logit = -kInfinity;
        for (auto v = p * kLabelPanel; v < std::min((p + 1) * kLabelPanel, V); ++v) {
          const auto upper = b.upper[static_cast<std::size_t>(n * packed.panels * kLabelPanel + v)];
          const auto at = static_cast<std::size_t>(v);
          double exact = double{bias[at]};
          for (std::int64_t k = 0; k < K; ++k)
            exact += double{row[k]} * double{weight[static_cast<std::size_t>(v * K + k)]};
          EXPECT_GE(upper, logits[at]) << n << " " << v;
          EXPECT_GE(upper, exact) << n << " " << v;
          above += double{upper} - exact;
          highest_upper = std::max(highest_upper, upper);
          highest_logit = std::max(highest_logit, logits[at]);
        }
        const auto cell = static_cast<std::size_t>(p * N + n);
        EXPECT_EQ(b.highest_upper[cell], highest_upper);
        EXPECT_LE(b.highest_lower[cell], highest_logit);
      }
    }
    EXPECT_LE(above / static_cast<double>(N * V), reach);
  }
};

TEST_P(LabelBoundsTest, HoldForWeightsAndFeaturesAsTheyAre) {
  for (const std::int64_t N : {1, 2, 5, 6, 13}) {
    for (const std::int64_t K : {1, 3, 64, 255}) {
      constexpr std::int64_t V = 150;
      const auto weight = normal_floats(V * K, 1), x = normal_floats(N * K, 2);
      const auto bias = normal_floats(V, 3);
      // A byte is off by up to 1/254 of the largest number: of K = 255 some 0.02 |w| |h|.
      expect_bounds(N, V, K, weight, bias, x, 0.03 * static_cast<double>(K));
    }
  }
}

TEST_P(LabelBoundsTest, HoldAtExtremes) {
  constexpr std::int64_t N = 6, V = 70, K = 10;
  auto weight = normal_floats(V * K, 4), bias = normal_floats(V, 5), x = normal_floats(N * K, 6);
  const auto row = [&](std::vector<float>& of, std::int64_t n, float value) {
    std::fill_n(of.begin() + n * K, K, value);
  };
  row(weight, 0, 0);
  row(weight, 1, 1e-38F);
  row(weight, 2, 1e15F);
  row(weight, 3, -1e-20F);
  row(weight, 4, 1e-35F);
  row(x, 0, 0);
  row(x, 1, 1e15F);
  row(x, 2, 1e-38F);
  row(x, 3, 1e-33F);
  x[4 * K] = 1e6F;  // one large feature among small ones
  bias[5] = 1e30F;
  bias[6] = -1e30F;
  bias[7] = 0;
  expect_bounds(N, V, K, weight, bias, x, 1e30);
}

/// Where products are next to nothing, with what is below the least normal float taken as 0, too.
TEST_P(LabelBoundsTest, HoldWhereFloatsUnderflow) {
  constexpr std::int64_t N = 3, V = 70, K = 64;
  const auto flushing = _MM_GET_FLUSH_ZERO_MODE(), zeros = _MM_GET_DENORMALS_ZERO_MODE();
  for (const bool is_flushed : {false, true}) {
    for (const float w : {1e-5F, 1e-16F, 1e-20F, 1e-30F}) {
      for (const float h : {1e-10F, 1e-16F, 1e-18F, 1e-20F, 1e-30F}) {
        if (is_flushed) {
          _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
          _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
        }
        for (const auto* x : {"flat", "normal"}) {
          auto features = normal_floats(N * K, 6, h);
          if (std::string_view(x) == "flat") std::ranges::fill(features, h);
          expect_bounds(N, V, K, normal_floats(V * K, 4, w), std::vector<float>(V, 0), features, 1);
        }
        _MM_SET_FLUSH_ZERO_MODE(flushing);
        _MM_SET_DENORMALS_ZERO_MODE(zeros);
      }
    }
  }
}

TEST_P(LabelBoundsTest, AreTheProductsThemselvesWhereBytesSayAll) {
  // Largest numbers of 127: the scale is 1, and nothing is left over but what floats allow for.
  const std::vector<float> weight = {127, -3, 5, 0, 2, -127, 1, 1, 0, 0};
  const std::vector<float> x = {2, 127, -1, 0, 4}, bias = {10, -1};
  const PackedLabels packed(2, 5, weight, bias);
  const auto b = bounds(1, 5, packed, x);
  const double first = 254 - 381 - 5 + 8 + 10, second = -254 + 127 - 1 - 1;
  EXPECT_GE(b.upper[0], first);
  EXPECT_NEAR(b.upper[0], first, 1);
  EXPECT_NEAR(b.upper[1], second, 1);
  EXPECT_EQ(b.upper[2], -kInfinity) << "no label";
  EXPECT_NEAR(b.highest_lower[0], first, 1);
}

TEST_P(LabelBoundsTest, LeaveOpenWhatIsNotFinite) {
  constexpr std::int64_t N = 3, V = 5, K = 4;
  auto weight = normal_floats(V * K, 7), x = normal_floats(N * K, 8);
  std::vector<float> bias = {0, kNan, -kInfinity, kInfinity, 0};
  weight[0] = kNan;
  weight[4 * K + 1] = kInfinity;
  x[K] = kNan;
  x[2 * K] = -kInfinity;
  const auto b = bounds(N, K, PackedLabels(V, K, weight, bias), x);
  for (const std::size_t v : {0U, 1U, 3U, 4U}) EXPECT_EQ(b.upper[v], kInfinity) << v;
  EXPECT_EQ(b.upper[2], -kInfinity) << "a legal logit: never chosen";
  EXPECT_EQ(b.highest_lower[0], -kInfinity);
  EXPECT_FALSE(std::isnan(b.scale[0]));
  EXPECT_TRUE(std::isnan(b.scale[1]));
  EXPECT_TRUE(std::isnan(b.scale[2]));
}

TEST_P(LabelBoundsTest, DoNotDependOnTheOtherRows) {
  constexpr std::int64_t N = 13, V = 200, K = 31;
  const auto weight = normal_floats(V * K, 9), x = normal_floats(N * K, 10);
  const PackedLabels packed(V, K, weight, normal_floats(V, 11));
  const auto together = bounds(N, K, packed, x);
  const auto width = packed.panels * kLabelPanel;
  for (std::int64_t n = 0; n < N; ++n) {
    const auto alone = bounds(1, K, packed, {x.begin() + n * K, x.begin() + (n + 1) * K});
    EXPECT_TRUE(
        std::equal(alone.upper.begin(), alone.upper.end(), together.upper.begin() + n * width))
        << n;
    for (std::int64_t p = 0; p < packed.panels; ++p)
      EXPECT_EQ(alone.highest_lower[static_cast<std::size_t>(p)],
                together.highest_lower[static_cast<std::size_t>(p * N + n)]);
  }
}

INSTANTIATE_TEST_SUITE_P(EachInstructionSet, LabelBoundsTest,
                         testing::Values("avx512_vnni", "avx2", "baseline"),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace banter::models
