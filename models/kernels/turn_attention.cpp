#include "models/kernels/turn_attention.h"

#include <algorithm>
#include <vector>

namespace banter::models {

template <typename T>
void turn_attention_forward(const TurnAttention<T>& in, T* weights, T* out) {
  const auto& k = kernels<T>();
  const RowIndex index{in.index, in.U};
  k.additive_weights(0, in.N, in.K, in.query, in.keys, index, in.v, weights);
  std::fill_n(out, in.N * in.D, T(0));
  k.add_weighted_rows(0, in.N, in.D, weights, in.values, index, out);
}

template <typename T>
void turn_attention_backward(const TurnAttention<T>& in, const T* weights, const T* d_out,
                             const T* d_weights, const TurnAttentionGradients<T>& d) {
  const auto& k = kernels<T>();
  const RowIndex index{in.index, in.U};
  std::vector<T> d_a(static_cast<std::size_t>(in.N * in.U)), d_scores(d_a.size());
  if (d_weights != nullptr) std::copy_n(d_weights, d_a.size(), d_a.begin());
  k.weighted_rows_d_weights(0, in.N, in.D, d_out, in.values, index, d_a.data());
  k.softmax_backward(0, in.N, in.U, weights, d_a.data(), d_scores.data());
  k.additive_backward(0, in.K, in.N, in.K, in.query, in.keys, index, in.v, d_scores.data(), d.query,
                      d.keys, d.v);
  k.weighted_rows_d_values(0, in.D, in.N, in.D, weights, d_out, index, d.values);
}

template void turn_attention_forward<float>(const TurnAttention<float>&, float*, float*);
template void turn_attention_forward<double>(const TurnAttention<double>&, double*, double*);
template void turn_attention_backward<float>(const TurnAttention<float>&, const float*,
                                             const float*, const float*,
                                             const TurnAttentionGradients<float>&);
template void turn_attention_backward<double>(const TurnAttention<double>&, const double*,
                                              const double*, const double*,
                                              const TurnAttentionGradients<double>&);

void row_places(std::int64_t N, std::int64_t U, std::int64_t R, const std::int64_t* index,
                std::int32_t* starts, std::int32_t* places) {
  std::fill_n(starts, R + 1, 0);
  for (std::int64_t place = 0; place < N * U; ++place)
    if (index[place] >= 0) ++starts[index[place] + 1];
  for (std::int64_t r = 0; r < R; ++r) starts[r + 1] += starts[r];
  std::vector<std::int32_t> next(starts, starts + R);
  for (std::int64_t place = 0; place < N * U; ++place) {
    if (index[place] < 0) continue;
    places[next[static_cast<std::size_t>(index[place])]++] = static_cast<std::int32_t>(place);
  }
}

}  // namespace banter::models
