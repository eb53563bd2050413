#pragma once

#include <cstdint>

#include "models/kernels/kernels.h"

namespace banter::models {

/// Additive attention of N queries over rows of a table that they share, by index, and what it
/// reads.
///
/// Math     e_nu = v . tanh(keys[index_nu] + query_n),  a_n = softmax over the kept u,
///          out_n = sum_u a_nu values[index_nu]
/// Shapes   query (N,K), keys (R,K), v (K), values (R,D), index (N,U): a row, negative = none;
///          row-major and dense, any size, 0 included
/// Source   Bahdanau et al. 2015, arXiv:1409.0473, appendix A.1.2, with W h_i made beforehand;
///          differs: a query without rows gets zeros
template <typename T>
struct TurnAttention {
  std::int64_t N = 0, U = 0, R = 0, K = 0, D = 0;
  const T* query = nullptr;
  const T* keys = nullptr;
  const T* v = nullptr;
  const T* values = nullptr;
  const std::int64_t* index = nullptr;
};

/// The index the other way round: the places n * U + u that look at row r are
/// places[starts[r]] .. places[starts[r + 1] - 1], rising. The same for all steps of a reply.
/// Shapes   starts (R+1), places (N*U): the last starts[R] .. are not set
struct RowPlaces {
  const std::int32_t* starts = nullptr;
  const std::int32_t* places = nullptr;
};

/// Where gradients go. Shapes   those of `TurnAttention`; query is overwritten, the others are
/// added to, so that the steps of a recurrence sum up in place.
template <typename T>
struct TurnAttentionGradients {
  T* query = nullptr;
  T* keys = nullptr;
  T* v = nullptr;
  T* values = nullptr;
};

/// The equation above, by the loops of `kernels`: what device kernels are held to.
/// Shapes   weights (N,U) out: exactly 0 where there is no row; out (N,D) out
template <typename T>
void turn_attention_forward(const TurnAttention<T>& in, T* weights, T* out);

/// Its way back.
///
/// Math     da_nu = d_out_n . values[index_nu] + d_weights_nu,  de = a * (da - sum_u a da),
///          g_nu = de_nu v * (1 - tanh^2):  dquery_n = sum_u g_nu,  dkeys_r = sum over r's places
///          g, dv = sum_nu de_nu tanh(...),  dvalues_r = sum over r's places a_nu d_out_n
/// Shapes   weights (N,U) of forward, d_out (N,D); d_weights (N,U) or null: what else the loss
///          takes from the weights
template <typename T>
void turn_attention_backward(const TurnAttention<T>& in, const T* weights, const T* d_out,
                             const T* d_weights, const TurnAttentionGradients<T>& d);

/// Fills `starts` (R+1) and `places` (N*U) of `RowPlaces`; N*U fits into an int32.
void row_places(std::int64_t N, std::int64_t U, std::int64_t R, const std::int64_t* index,
                std::int32_t* starts, std::int32_t* places);

}  // namespace banter::models
