#pragma once

#include <cstdint>

#include <torch/torch.h>

#include "models/layers/additive_attention.h"

namespace banter::models {

/// What an attention over words reads: the tokens of each reply's sources.
struct TokenRows {
  torch::Tensor values;  ///< (R,D): of their states
  torch::Tensor keys;    ///< (R,K): W of them
  torch::Tensor index;   ///< (N,U,T) int64 rows of both, a source's kept ones first, -1 = none

  /// Those of replies `rows` (N'). Shapes   index (N,U,T) -> (N',U,T)
  [[nodiscard]] TokenRows of(const torch::Tensor& rows) const;
};

/// One vector a source, by what the query asks of its words.
///
/// Math     b_ij = softmax_j v^T tanh(W q_ij + Q query)        r_i = sum_j b_ij value_ij
/// Shapes   query (N,H); returns (N*U,D), zeros for a source without tokens
/// Cost     O(N*U*T*(K+D))
/// Source   Xing et al. 2018, arXiv:1701.07149, section "Hierarchical recurrent attention network";
///          differs: a query is the decoder's state alone, not the next turn's state too
torch::Tensor attended_words(AdditiveAttentionImpl& attention, const torch::Tensor& query,
                             const TokenRows& words);

/// The same with rows that each reply has to itself, for replies that part: no padding inside.
struct JoinedTokens {
  torch::Tensor values, keys;   ///< (N,J,D), (N,J,K)
  torch::Tensor begin, length;  ///< (N,U) int64: a source's tokens

  static JoinedTokens of(const TokenRows& words);
  /// As rows again, for sequences that read `memory_row` (N') of them.
  [[nodiscard]] TokenRows rows_of(const torch::Tensor& memory_row) const;
};

}  // namespace banter::models
