#include "models/kernels/turn_attention.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/models/attention_example.h"
#include "tests/models/finite_differences.h"

namespace banter::models {
namespace {

using tests::AttentionExample;
using tests::AttentionResults;
using tests::AttentionSizes;
using tests::dot;
using tests::random_numbers;
using tests::slopes;

void expect_near(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-8) << i;
}

/// The equation of turn_attention.h, word by word.
AttentionResults<double> by_the_equation(const AttentionExample<double>& x) {
  const auto [N, U, R, K, D, kept] = x.size;
  AttentionResults<double> results(x.size, 0);
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  for (std::int64_t n = 0; n < N; ++n) {
    std::vector<double> e(at(U));
    double sum = 0;
    for (std::int64_t u = 0; u < U; ++u) {
      const auto row = x.index[at(n * U + u)];
      if (row < 0) continue;
      double score = 0;
      for (std::int64_t k = 0; k < K; ++k)
        score += x.v[at(k)] * std::tanh(x.keys[at(row * K + k)] + x.query[at(n * K + k)]);
      sum += e[at(u)] = std::exp(score);
    }
    for (std::int64_t u = 0; u < U; ++u) {
      const auto row = x.index[at(n * U + u)];
      if (row < 0) continue;
      const double a = results.weights[at(n * U + u)] = e[at(u)] / sum;
      for (std::int64_t d = 0; d < D; ++d)
        results.out[at(n * D + d)] += a * x.values[at(row * D + d)];
    }
  }
  return results;
}

TEST(TurnAttentionTest, ForwardIsTheEquation) {
  for (const AttentionSizes& size : {AttentionSizes{4, 5, 7, 13, 9}, AttentionSizes{3, 1, 2, 4, 8},
                                     AttentionSizes{2, 3, 1, 1, 1, 0}}) {
    const AttentionExample<double> example(size);
    AttentionResults<double> got(size, 99);  // whatever stood there
    turn_attention_forward(example.attention(), got.weights.data(), got.out.data());
    const auto expected = by_the_equation(example);
    for (std::size_t i = 0; i < got.weights.size(); ++i) {
      EXPECT_NEAR(got.weights[i], expected.weights[i], 1e-13);
      EXPECT_TRUE(example.index[i] >= 0 || got.weights[i] == 0.0);
    }
    for (std::size_t i = 0; i < got.out.size(); ++i)
      EXPECT_NEAR(got.out[i], expected.out[i], 1e-13);
  }
}

TEST(TurnAttentionTest, TheWayBackIsTheSlopeOfForward) {
  for (const bool with_d_weights : {false, true}) {
    AttentionExample<double> example({5, 4, 3, 7, 6});
    const auto loss = [&] {
      AttentionResults<double> now(example.size, 0);
      turn_attention_forward(example.attention(), now.weights.data(), now.out.data());
      return dot(now.out, example.d_out) +
             (with_d_weights ? dot(now.weights, example.d_weights) : 0);
    };
    const auto got = tests::reference_results(example, with_d_weights);
    expect_near(got.d_query, slopes(example.query, loss));
    expect_near(got.d_keys, slopes(example.keys, loss));
    expect_near(got.d_v, slopes(example.v, loss));
    expect_near(got.d_values, slopes(example.values, loss));
  }
}

TEST(TurnAttentionTest, GradientsOfSharedPartsAreAddedAndThatOfTheQueryIsNot) {
  const AttentionExample<double> example({5, 4, 3, 7, 6});
  const auto once = tests::reference_results(example, true);
  const auto above = tests::reference_results(example, true, 10.0);
  const auto expect_more = [](const auto& more, const auto& less, double by) {
    for (std::size_t i = 0; i < more.size(); ++i) EXPECT_NEAR(more[i], less[i] + by, 1e-12);
  };
  expect_more(above.d_query, once.d_query, 0);
  expect_more(above.d_keys, once.d_keys, 10);
  expect_more(above.d_v, once.d_v, 10);
  expect_more(above.d_values, once.d_values, 10);
}

TEST(TurnAttentionTest, TheWayBackOfTheGruIsTheSlopeOfForward) {
  constexpr std::int64_t n = 2, H = 5;
  const auto& k = kernels<double>();
  auto gi = random_numbers<double>(n * 3 * H, 1, 2), gh = random_numbers<double>(n * 3 * H, 2, 2);
  auto h = random_numbers<double>(n * H, 3);
  const auto d_next = random_numbers<double>(n * H, 4);
  std::vector<double> next(n * H), saved(n * 4 * H), d_gi(n * 3 * H), d_gh(n * 3 * H), d_h(n * H);
  const auto loss = [&] {
    k.gru_forward(n, H, gi.data(), gh.data(), h.data(), next.data(), nullptr);
    return dot(next, d_next);
  };
  k.gru_forward(n, H, gi.data(), gh.data(), h.data(), next.data(), saved.data());
  k.gru_backward(n, H, d_next.data(), saved.data(), h.data(), d_gi.data(), d_gh.data(), d_h.data());
  expect_near(d_gi, slopes(gi, loss));
  expect_near(d_gh, slopes(gh, loss));
  expect_near(d_h, slopes(h, loss));
}

TEST(RowPlacesTest, EachRowHasItsPlacesRising) {
  const std::vector<std::int64_t> index = {2, -1, 0, 2, 2, -1};
  std::vector<std::int32_t> starts(5, -7), places(6, -7);
  row_places(3, 2, 4, index.data(), starts.data(), places.data());
  EXPECT_EQ(starts, (std::vector<std::int32_t>{0, 1, 1, 4, 4}));
  places.resize(4);
  EXPECT_EQ(places, (std::vector<std::int32_t>{2, 0, 3, 4}));
}

TEST(RowPlacesTest, NothingHasNoPlaces) {
  std::vector<std::int32_t> starts(3, -7);
  row_places(0, 4, 2, nullptr, starts.data(), nullptr);
  EXPECT_EQ(starts, (std::vector<std::int32_t>{0, 0, 0}));
}

}  // namespace
}  // namespace banter::models
