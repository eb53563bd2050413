#pragma once

#include <cstdint>

#include <torch/types.h>

namespace banter::models {

/// Additive attention over rows of a table that queries share, by index: a turn that many replies
/// see stands in the table once, and nothing is computed for padding.
///
/// Math     e_u = v^T tanh(keys[index_u] + query)      weights = softmax over the kept u
/// Shapes   query (N,K), keys (R,K), v (K) floating; index (N,U) int64 rows of keys, -1 = none
///          returns (N,U); exactly 0 where there is no row; a query without rows gets zeros
/// Throws   ShapeError
/// Source   Bahdanau et al. 2015, arXiv:1409.0473, appendix A.1.2, with W h_i made beforehand
torch::Tensor additive_weights(const torch::Tensor& query, const torch::Tensor& keys,
                               const torch::Tensor& index, const torch::Tensor& v);

/// Math     out_n = sum_u weights_nu values[index_nu]
/// Shapes   weights (N,U), values (R,D), index (N,U); returns (N,D), zeros for a row without places
/// Throws   ShapeError
torch::Tensor weighted_rows(const torch::Tensor& weights, const torch::Tensor& values,
                            const torch::Tensor& index);

/// What queries get of an attention.
struct Attended {
  torch::Tensor weights;  ///< (N,U)
  torch::Tensor vectors;  ///< (N,D)
};

/// `additive_weights`, and the `weighted_rows` that they make: on a GPU by one kernel of ours.
/// Shapes   query (N,K), keys (R,K), v (K), values (R,D), index (N,U)
/// Throws   ShapeError
Attended additive_attention(const torch::Tensor& query, const torch::Tensor& keys,
                            const torch::Tensor& v, const torch::Tensor& values,
                            const torch::Tensor& index);

/// The first two functions by plain differentiable tensor operations: what runs on other devices,
/// and what tests hold the fused ones to.
torch::Tensor additive_weights_plain(const torch::Tensor& query, const torch::Tensor& keys,
                                     const torch::Tensor& index, const torch::Tensor& v);
torch::Tensor weighted_rows_plain(const torch::Tensor& weights, const torch::Tensor& values,
                                  const torch::Tensor& index);

/// Softmax over the last dimension of the kept places; exactly 0 elsewhere, zeros for a row
/// without any. Shapes   scores, keep_mask (..., U) alike; true = real
torch::Tensor masked_softmax(const torch::Tensor& scores, const torch::Tensor& keep_mask);

/// Weights of tokens, summed by the source that each belongs to.
/// Shapes   weights (N,J); source (N,J) int64: its number + 1, 0 = padding; returns (N,U)
torch::Tensor summed_by_source(const torch::Tensor& weights, const torch::Tensor& source,
                               std::int64_t U);

}  // namespace banter::models
