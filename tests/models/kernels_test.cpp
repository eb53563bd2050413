#include "models/kernels/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <span>
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

TEST_P(KernelsTest, DotAttentionIsTheEquation) {
  constexpr std::size_t N = 3, A = 2, hd = 19, D = A * hd, U = 5;
  const auto query = random_floats(N * D, 1), keys = random_floats(4 * D, 2);
  const auto values = random_floats(4 * D, 3);
  const std::vector<std::int64_t> rows = {0, -1, 2, 3, -1, -1, -1, -1, -1, -1, 3, 3, 1, 0, 2};
  std::vector<float> scores(N * U), weights(N * U), out(N * D);
  table().dot_attention(0, N, A, hd, 0.5F, query.data(), keys.data(), values.data(),
                        {rows.data(), U}, scores.data(), weights.data(), out.data());
  for (std::size_t n = 0; n < N; ++n) {
    std::vector<double> mean(U), expected(D);
    for (std::size_t a = 0; a < A; ++a) {
      const auto at = [&](const std::vector<float>& x, std::int64_t row, std::size_t k) {
        return double{x[static_cast<std::size_t>(row) * D + a * hd + k]};
      };
      std::vector<double> e(U);
      double sum = 0;
      for (std::size_t u = 0; u < U; ++u) {
        if (rows[n * U + u] < 0) continue;
        double dot = 0;
        for (std::size_t k = 0; k < hd; ++k)
          dot += at(query, static_cast<std::int64_t>(n), k) * at(keys, rows[n * U + u], k);
        sum += e[u] = std::exp(dot * 0.5);
      }
      for (std::size_t u = 0; u < U; ++u) {
        if (rows[n * U + u] < 0) continue;
        mean[u] += e[u] / sum / A;
        for (std::size_t k = 0; k < hd; ++k)
          expected[a * hd + k] += e[u] / sum * at(values, rows[n * U + u], k);
      }
    }
    for (std::size_t u = 0; u < U; ++u) EXPECT_NEAR(weights[n * U + u], mean[u], 1e-6);
    for (std::size_t d = 0; d < D; ++d) EXPECT_NEAR(out[n * D + d], expected[d], 1e-5);
  }
}

/// A query is the same whatever range it is in and however many empty places there are.
TEST_P(KernelsTest, DotAttentionDoesNotDependOnEmptyPlaces) {
  constexpr std::size_t A = 3, hd = 21, D = A * hd;
  const auto query = random_floats(D, 1), keys = random_floats(9 * D, 2);
  const auto values = random_floats(9 * D, 3);
  const auto look = [&](std::size_t U) {
    std::vector<std::int64_t> rows(U, -1);
    for (std::size_t u = 0; u < 9; ++u) rows[u] = static_cast<std::int64_t>(u);
    std::vector<float> scores(U), weights(U), out(D);
    table().dot_attention(0, 1, A, hd, 0.3F, query.data(), keys.data(), values.data(),
                          {rows.data(), static_cast<std::int64_t>(U)}, scores.data(),
                          weights.data(), out.data());
    weights.resize(9);
    out.insert(out.end(), weights.begin(), weights.end());
    return out;
  };
  for (const std::size_t width : {10, 16, 17, 40}) EXPECT_EQ(look(9), look(width)) << width;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  constexpr auto kBits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
  return std::ranges::equal(a, b, {}, kBits, kBits);
}

TEST_P(KernelsTest, ARowTimesAPackedMatrixDoesNotDependOnTheOtherRows) {
  constexpr std::int64_t N = 31, K = 33, stride = 40, O = 101;
  const auto panels = (O + table().panel - 1) / table().panel;
  const auto x = random_floats(N * K, 4), weight = random_floats(O * stride, 5);
  const auto bias = random_floats(O, 6);
  std::vector<float> packed(static_cast<std::size_t>(panels * K * table().panel));
  table().pack(0, panels, O, K, weight.data(), stride, 1, packed.data());
  const auto times = [&](std::int64_t begin, std::int64_t end, std::int64_t rows, const float* from,
                         const float* add, std::vector<float>& out) {
    table().rows_times_packed(begin, end, rows, K, O, from, packed.data(), add, 0, out.data());
  };
  std::vector<float> together(N * O), unbiased(N * O);
  times(0, panels, N, x.data(), bias.data(), together);
  times(0, panels, N, x.data(), nullptr, unbiased);
  for (std::int64_t rows = 2; rows < N; ++rows) {
    std::vector<float> some(static_cast<std::size_t>(rows * O));
    times(0, panels, rows, x.data(), bias.data(), some);
    EXPECT_TRUE(same_bits(some, std::span(together).first(static_cast<std::size_t>(rows * O))))
        << rows;
  }
  for (std::size_t n = 0; n < N; ++n) {
    std::vector<float> alone(O);
    times(1, panels, 1, x.data() + n * K, bias.data(), alone);
    times(0, 1, 1, x.data() + n * K, bias.data(), alone);
    EXPECT_TRUE(same_bits(alone, std::span(together).subspan(n * O, O))) << n;
    for (std::size_t o = 0; o < O; ++o) {
      double expected = 0;
      for (std::size_t k = 0; k < K; ++k)
        expected += double{x[n * K + k]} * double{weight[o * stride + k]};
      EXPECT_NEAR(unbiased[n * O + o], expected, 1e-4);
      EXPECT_NEAR(alone[o], expected + double{bias[o]}, 1e-4);
    }
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

TEST_P(KernelsTest, APackedMatrixIsReadByColumnsAndAddedToWhatIsThere) {
  constexpr std::int64_t N = 21, K = 17, stride = 60, O = 53;
  const auto panels = (O + table().panel - 1) / table().panel;
  const auto x = random_floats(N * K, 4), weight = random_floats(K * stride, 5);  // (K,O)
  const auto before = random_floats(N * O, 6);
  std::vector<float> packed(static_cast<std::size_t>(panels * K * table().panel), 7.0F);
  table().pack(0, 1, O, K, weight.data(), 1, stride, packed.data());
  table().pack(1, panels, O, K, weight.data(), 1, stride, packed.data());
  std::vector<float> apart(N * O), in_place = before;
  for (auto* out : {&apart, &in_place})
    table().rows_times_packed(0, panels, N, K, O, x.data(), packed.data(),
                              out == &apart ? before.data() : out->data(), O, out->data());
  EXPECT_EQ(in_place, apart);
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t o = 0; o < O; ++o) {
      double expected = before[n * O + o];
      for (std::size_t k = 0; k < K; ++k)
        expected += double{x[n * K + k]} * double{weight[k * stride + o]};
      EXPECT_NEAR(apart[n * O + o], expected, 1e-4);
    }
  }
}

/// What the header says of `drop`, in 64 bits.
bool is_kept(std::uint64_t i, std::uint64_t key, double p) {
  constexpr std::uint64_t kNumbers = 1ULL << 32U;
  const auto mixed = [](std::uint64_t x) {
    x = (x ^ x >> 16U) * 0x7FEB352D % kNumbers;
    x = (x ^ x >> 15U) * 0x846CA68B % kNumbers;
    return x ^ x >> 16U;
  };
  const auto first = mixed(i ^ key % kNumbers);
  return static_cast<double>(mixed((first + key / kNumbers) % kNumbers)) >= p * 0x1.0p32;
}

TEST_P(KernelsTest, WhatIsDroppedIsAFunctionOfPlaceAndKey) {
  constexpr std::int64_t n = 4000;
  constexpr std::uint64_t key = 0x123456789ABCDEF0ULL;
  const auto x = random_floats(n, 12);
  std::vector<float> out(n), parts(n);
  for (const double p : {0.1, 0.5, 0.9}) {
    const auto threshold = static_cast<std::uint32_t>(p * 0x1.0p32);
    const auto drop = [&](std::int64_t begin, std::int64_t end, std::vector<float>& to) {
      table().drop(begin, end, key, threshold, 2.0F, x.data(), to.data());
    };
    drop(0, n, out);
    for (std::size_t i = 0; i < n; ++i)
      EXPECT_EQ(out[i], is_kept(i, key, p) ? 2 * x[i] : 0.0F) << i << " " << p;
    drop(0, 1, parts);
    drop(1, 1003, parts);
    drop(1003, n, parts);
    EXPECT_EQ(parts, out);
  }
}

TEST_P(KernelsTest, MasksOfTwoKeysOrPlacesHaveNothingInCommon) {
  constexpr std::int64_t n = 1 << 20;
  constexpr double p = 0.3;
  const std::vector<float> x(n, 1);
  const auto mask = [&](std::uint64_t key) {
    std::vector<float> out(n);
    table().drop(0, n, key, static_cast<std::uint32_t>(p * 0x1.0p32), 1.0F, x.data(), out.data());
    return out;
  };
  constexpr std::uint64_t key = 77;
  const auto a = mask(key);
  // Shares of kept elements and of pairs: five standard deviations.
  const auto expect_share = [](double count, double share, const char* of) {
    EXPECT_NEAR(count / n, share, 5 * std::sqrt(share * (1 - share) / n)) << of;
  };
  expect_share(std::accumulate(a.begin(), a.end(), 0.0), 1 - p, "one mask");
  const std::vector<std::uint64_t> others = {key + 1, key ^ 1ULL << 31U, key + (1ULL << 32U),
                                             key + (1ULL << 62U)};
  for (const auto other : others) {
    const auto b = mask(other);
    expect_share(std::inner_product(a.begin(), a.end(), b.begin(), 0.0), (1 - p) * (1 - p),
                 "two keys");
  }
  for (const std::ptrdiff_t shift : {1, 2, 16, 256, 512, 4096})
    expect_share(std::inner_product(a.begin() + shift, a.end(), a.begin(), 0.0) +
                     std::inner_product(a.begin(), a.begin() + shift, a.end() - shift, 0.0),
                 (1 - p) * (1 - p), "two places");
}

TEST_P(KernelsTest, SomeCellsOfARowAreThoseOfTheWhole) {
  constexpr std::int64_t K = 77, O = 101;
  const auto panels = (O + table().panel - 1) / table().panel;
  const auto x = random_floats(K, 4), weight = random_floats(O * K, 5);
  const auto bias = random_floats(O, 6);
  std::vector<float> packed(static_cast<std::size_t>(panels * K * table().panel)), whole(O);
  table().pack(0, panels, O, K, weight.data(), K, 1, packed.data());
  table().rows_times_packed(0, panels, 1, K, O, x.data(), packed.data(), bias.data(), 0,
                            whole.data());
  const std::vector<std::int64_t> rows = {100, 3, 3, 0, 57, 99, 1, 2, 4, 5, 6};
  for (std::size_t count = 0; count <= rows.size(); ++count) {
    std::vector<float> some(count), expected(count);
    for (std::size_t i = 0; i < count; ++i) expected[i] = whole[static_cast<std::size_t>(rows[i])];
    table().row_times_some(static_cast<std::int64_t>(count), K, x.data(), weight.data(),
                           rows.data(), bias.data(), some.data());
    EXPECT_TRUE(same_bits(some, expected)) << count;
  }
}

TEST_P(KernelsTest, TheHighestOfNumbersPassesOverNaN) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kLowest = -std::numeric_limits<float>::infinity();
  for (const std::int64_t n : {0, 1, 5, 16, 33, 100}) {
    auto x = random_floats(static_cast<std::size_t>(n), 3);
    EXPECT_EQ(table().highest(n, x.data()), n == 0 ? kLowest : *std::ranges::max_element(x)) << n;
    for (std::size_t i = 0; i < x.size(); ++i) {
      auto other = x;
      other[i] = kNan;
      auto rest = x;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_EQ(table().highest(n, other.data()),
                rest.empty() ? kLowest : *std::ranges::max_element(rest));
      other[i] = 1e9F;
      EXPECT_EQ(table().highest(n, other.data()), 1e9F) << n << " " << i;
      std::ranges::fill(other, kLowest);
      EXPECT_EQ(table().highest(n, other.data()), kLowest);
      other[i] = kNan;
      EXPECT_EQ(table().highest(n, other.data()), kLowest);
    }
  }
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
  table().softmax_nll(0, P, V, untouched.data(), nullptr, labels.data(), false, forward_nll.data(),
                      correct);
  EXPECT_EQ(untouched, logits);
  table().softmax_nll(0, P, V, gradient.data(), nullptr, labels.data(), true, nll.data(), correct);
  {
    auto biased = logits;
    const auto bias = random_floats(V, 14);
    std::vector<float> biased_nll(P), added_nll(P);
    auto added = logits;
    for (std::size_t i = 0; i < added.size(); ++i) added[i] += bias[i % V];
    table().softmax_nll(0, P, V, biased.data(), bias.data(), labels.data(), true, biased_nll.data(),
                        correct);
    table().softmax_nll(0, P, V, added.data(), nullptr, labels.data(), true, added_nll.data(),
                        correct);
    EXPECT_EQ(biased, added);
    EXPECT_EQ(biased_nll, added_nll);
  }
  table().softmax_nll(0, P, V, untouched.data(), nullptr, labels.data(), false, forward_nll.data(),
                      correct);
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

/// The ways back against the double-precision baseline: odd sizes, shared and missing rows.
TEST_P(KernelsTest, TheWaysBackEqualTheBaselineInDoublePrecision) {
  constexpr std::int64_t n = 3, H = 21, K = 19, U = 2, R = 4;
  const auto& reference = *kernels_named<double>("baseline");
  const auto wide = [](const std::vector<float>& x) {
    return std::vector<double>(x.begin(), x.end());
  };
  const auto expect_near = [](const std::vector<float>& got, const std::vector<double>& expected) {
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 2e-5) << i;
  };
  const auto d_next = random_floats(n * H, 11), h = random_floats(n * H, 12);
  const auto saved = random_floats(n * 4 * H, 13);
  std::vector<float> gi(n * 3 * H), gh(n * 3 * H), d_h(n * H);
  std::vector<double> gi2(n * 3 * H), gh2(n * 3 * H), d_h2(n * H);
  table().gru_backward(n, H, d_next.data(), saved.data(), h.data(), gi.data(), gh.data(),
                       d_h.data());
  reference.gru_backward(n, H, wide(d_next).data(), wide(saved).data(), wide(h).data(), gi2.data(),
                         gh2.data(), d_h2.data());
  expect_near(gi, gi2);
  expect_near(gh, gh2);
  expect_near(d_h, d_h2);

  const std::vector<std::int64_t> rows = {3, 0, 3, -1, -1, 1};
  const RowIndex index{rows.data(), U};
  const auto query = random_floats(n * K, 14), keys = random_floats(R * K, 15);
  const auto v = random_floats(K, 16), d_out = random_floats(n * K, 17);
  const auto weights = random_floats(n * U, 18), d_weights = random_floats(n * U, 19);
  std::vector<float> sum(n * K), dw(n * U), values(R * K), scores(n * U), dq(n * K), dk(R * K),
      dv(K);
  std::vector<double> sum2(n * K), dw2(n * U), values2(R * K), scores2(n * U), dq2(n * K),
      dk2(R * K), dv2(K);
  const auto run = [&](const auto& kernels, const auto& q, const auto& k, const auto& vv,
                       const auto& d, const auto& w, const auto& d_w, auto& s, auto& a, auto& b,
                       auto& c, auto& e, auto& f, auto& g) {
    kernels.add_weighted_rows(0, n, K, w.data(), k.data(), index, s.data());
    kernels.weighted_rows_d_weights(0, n, K, d.data(), k.data(), index, a.data());
    kernels.weighted_rows_d_values(0, 7, n, K, w.data(), d.data(), index, b.data());
    kernels.weighted_rows_d_values(7, K, n, K, w.data(), d.data(), index, b.data());
    kernels.softmax_backward(0, n, U, w.data(), d_w.data(), c.data());
    kernels.additive_backward(0, 5, n, K, q.data(), k.data(), index, vv.data(), d_w.data(),
                              e.data(), f.data(), g.data());
    kernels.additive_backward(5, K, n, K, q.data(), k.data(), index, vv.data(), d_w.data(),
                              e.data(), f.data(), g.data());
  };
  run(table(), query, keys, v, d_out, weights, d_weights, sum, dw, values, scores, dq, dk, dv);
  run(reference, wide(query), wide(keys), wide(v), wide(d_out), wide(weights), wide(d_weights),
      sum2, dw2, values2, scores2, dq2, dk2, dv2);
  expect_near(sum, sum2);
  expect_near(dw, dw2);
  expect_near(values, values2);
  expect_near(scores, scores2);
  expect_near(dq, dq2);
  expect_near(dk, dk2);
  expect_near(dv, dv2);
}

INSTANTIATE_TEST_SUITE_P(EachInstructionSet, KernelsTest,
                         testing::Values("avx512", "avx2", "baseline"),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace banter::models
