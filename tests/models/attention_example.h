#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "models/kernels/turn_attention.h"

namespace banter::tests {

/// `count` numbers in [-scale, scale), the same for the same seed.
template <typename T>
std::vector<T> random_numbers(std::int64_t count, unsigned seed, double scale = 1) {
  std::mt19937 generator(seed);
  std::vector<T> numbers(static_cast<std::size_t>(count));
  for (auto& x : numbers)
    x = static_cast<T>(scale * (static_cast<double>(generator()) / 2147483648.0 - 1));
  return numbers;
}

inline std::vector<double> widened(const std::vector<float>& x) { return {x.begin(), x.end()}; }

/// Sizes of an attention, and which places are kept.
struct AttentionSizes {
  std::int64_t N = 0, U = 0, R = 0, K = 0, D = 0;
  double kept = 0.7;  ///< share of places with a row; every third query has none when below 1
};

/// A made-up attention with all that its way back is given.
template <typename T>
struct AttentionExample {
  AttentionSizes size;
  std::vector<T> query, keys, v, values, d_out, d_weights;
  std::vector<std::int64_t> index;

  explicit AttentionExample(const AttentionSizes& s)
      : size(s),
        query(random_numbers<T>(s.N * s.K, 1)),
        keys(random_numbers<T>(s.R * s.K, 2)),
        v(random_numbers<T>(s.K, 3, 2 / std::sqrt(1.0 + static_cast<double>(s.K)))),
        values(random_numbers<T>(s.R * s.D, 4)),
        d_out(random_numbers<T>(s.N * s.D, 5)),
        d_weights(random_numbers<T>(s.N * s.U, 6)) {
    const auto chance = random_numbers<double>(s.N * s.U, 7, 0.5);  // in [-0.5, 0.5)
    const auto row = random_numbers<double>(s.N * s.U, 8, 0.5);
    for (std::int64_t place = 0; place < s.N * s.U; ++place) {
      const auto i = static_cast<std::size_t>(place);
      const bool empty_query = s.kept < 1 && place / s.U % 3 == 1;
      const bool none = s.R == 0 || empty_query || chance[i] + 0.5 >= s.kept;
      const auto drawn = (row[i] + 0.5) * static_cast<double>(s.R);  // below R
      index.push_back(none ? -1 : static_cast<std::int64_t>(drawn));
    }
  }

  [[nodiscard]] models::TurnAttention<T> attention() const {
    return {size.N,       size.U,      size.R,   size.K,        size.D,
            query.data(), keys.data(), v.data(), values.data(), index.data()};
  }
};

inline AttentionExample<double> widened(const AttentionExample<float>& example) {
  AttentionExample<double> wide(example.size);
  wide.query = widened(example.query);
  wide.keys = widened(example.keys);
  wide.v = widened(example.v);
  wide.values = widened(example.values);
  wide.d_out = widened(example.d_out);
  wide.d_weights = widened(example.d_weights);
  return wide;
}

/// What an attention gives, and the gradients of its way back.
template <typename T>
struct AttentionResults {
  std::vector<T> weights, out, d_query, d_keys, d_v, d_values;

  /// Sets everything to `start`.
  AttentionResults(const AttentionSizes& s, T start)
      : weights(static_cast<std::size_t>(s.N * s.U), start),
        out(static_cast<std::size_t>(s.N * s.D), start),
        d_query(static_cast<std::size_t>(s.N * s.K), start),
        d_keys(static_cast<std::size_t>(s.R * s.K), start),
        d_v(static_cast<std::size_t>(s.K), start),
        d_values(static_cast<std::size_t>(s.R * s.D), start) {}

  [[nodiscard]] models::TurnAttentionGradients<T> gradients() {
    return {d_query.data(), d_keys.data(), d_v.data(), d_values.data()};
  }
};

/// The reference's answer; gradients are added to `start`.
/// with_d_weights: the loss takes something from the weights too
template <typename T>
AttentionResults<T> reference_results(const AttentionExample<T>& example, bool with_d_weights,
                                      T start = 0) {
  AttentionResults<T> results(example.size, start);
  const auto in = example.attention();
  models::turn_attention_forward(in, results.weights.data(), results.out.data());
  models::turn_attention_backward(in, results.weights.data(), example.d_out.data(),
                                  with_d_weights ? example.d_weights.data() : nullptr,
                                  results.gradients());
  return results;
}

}  // namespace banter::tests
