#pragma once

#include <cstdint>

#include <torch/types.h>

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

/// What a query sees of the words of sources.
struct AttendedWords {
  torch::Tensor vectors;  ///< (N*U,D): r_i; zeros for a source without tokens
  torch::Tensor weights;  ///< (N,U,T): b_ij; exactly 0 where there is no token
};

/// One vector a source, by what the query asks of its words.
///
/// Math     b_ij = softmax_j v^T tanh(W q_ij + Q query)        r_i = sum_j b_ij value_ij
/// Shapes   query (N,H)
/// Cost     O(N*U*T*(K+D))
/// Source   Xing et al. 2018, arXiv:1701.07149, section "Hierarchical recurrent attention network";
///          differs: a query is the decoder's state alone, not the next turn's state too
AttendedWords attended_words(AdditiveAttentionImpl& attention, const torch::Tensor& query,
                             const TokenRows& words);

/// Values of the tokens of sources, one row a reply without the padding between them: J values of
/// its own in front, `none` behind.
/// Shapes   values, keep (N,U,T), kept ones of a source first -> (N,max J), at least one column
torch::Tensor joined_tokens(const torch::Tensor& values, const torch::Tensor& keep,
                            const torch::Scalar& none);

/// Weights of single tokens, whose sum is 1: a source's weight, shared out among its tokens.
/// Math     w_ij = a_i b_ij
/// Shapes   sources (N,U); words, index (N,U,T), of the latter -1 = none -> as `joined_tokens`
torch::Tensor token_weights(const torch::Tensor& sources, const torch::Tensor& words,
                            const torch::Tensor& index);

/// The same with rows that each reply has to itself, for replies that part: no padding inside.
struct JoinedTokens {
  torch::Tensor values, keys;   ///< (N,J,D), (N,J,K)
  torch::Tensor begin, length;  ///< (N,U) int64: a source's tokens

  static JoinedTokens of(const TokenRows& words);
  /// As rows again, for sequences that read `memory_row` (N') of them.
  [[nodiscard]] TokenRows rows_of(const torch::Tensor& memory_row) const;
};

}  // namespace banter::models
