#pragma once

#include <cstdint>

#include <torch/types.h>

namespace banter::models {

struct DotAttention {
  torch::Tensor vectors;  ///< (N,D): of all heads, joined; zeros for a query without rows
  torch::Tensor weights;  ///< (N,U): mean over the heads; exactly 0 where there is no row
};

/// Scaled dot-product attention over rows of a table that queries share, by index: for decoding,
/// where many queries read one memory, and wherever the weights are wanted. What a query gets does
/// not depend on the others, nor on how many places of `index` are empty.
///
/// Math     of each head: softmax over the kept u of (q . keys[index_u] / sqrt(hd)), times values
/// Shapes   query (N,D), keys, values (R,D) floating; index (N,U) int64 rows of both, -1 = none;
///          D = heads * hd
/// Modes    differentiable while gradients are recorded, by plain operations
/// Throws   ShapeError
/// Cost     O(N*U*D)
/// Source   Vaswani et al. 2017, arXiv:1706.03762, eq. (1), 3.2.2
DotAttention dot_attention(const torch::Tensor& query, const torch::Tensor& keys,
                           const torch::Tensor& values, const torch::Tensor& index,
                           std::int64_t heads);

/// The same by plain tensor operations: on other devices, and what tests hold the fused one to.
/// Cost     keys and values are copied for each query, O(N*U*D) memory
DotAttention dot_attention_plain(const torch::Tensor& query, const torch::Tensor& keys,
                                 const torch::Tensor& values, const torch::Tensor& index,
                                 std::int64_t heads);

/// The same over rows of their own for each of B groups of queries, without weights and for many
/// queries: training and encoding.
///
/// Shapes   query (B,S,D), keys, values (B,J,D); keep (B,J) bool, true = may be seen, or undefined:
///          all may; causal: place s sees places 0..s alone, and keep is not given. Returns (B,S,D)
/// Cost     LibTorch's fused attention where it has one: no (S,J) table is kept
torch::Tensor grouped_attention(const torch::Tensor& query, const torch::Tensor& keys,
                                const torch::Tensor& values, const torch::Tensor& keep, bool causal,
                                std::int64_t heads);

}  // namespace banter::models
