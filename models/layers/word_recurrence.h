#pragma once

#include <torch/types.h>

#include "models/layers/gru.h"

namespace banter::models {

/// What an attention inside a recurrence reads that looks at the words of each turn first, then at
/// what it saw of the turns.
struct WordAttention {
  // at the words of a turn
  torch::Tensor word_query_weight;  ///< (K,H)
  torch::Tensor word_v;             ///< (K)
  torch::Tensor word_keys;          ///< (R,K)
  torch::Tensor word_values;        ///< (R,D): D = H, or 3H: in the gates of the RNN over turns
  torch::Tensor words;              ///< (N,U,T) int64 rows of both, -1 = none
  torch::Tensor keep;               ///< (N,U) bool, true = a turn
  // the RNN over what was seen of the turns, oldest first; undefined without one
  torch::Tensor rnn_bias_ih;    ///< (3H)
  torch::Tensor rnn_weight_hh;  ///< (3H,H)
  torch::Tensor rnn_bias_hh;    ///< (3H)
  // at the turns
  torch::Tensor turn_weight;        ///< (K,H)
  torch::Tensor turn_query_weight;  ///< (K,H)
  torch::Tensor turn_v;             ///< (K)
  torch::Tensor context_weight;     ///< (3H,H): c_t in the gates of the step

  [[nodiscard]] bool has_rnn() const { return rnn_weight_hh.defined(); }
};

/// Runs one GRU layer over packed rows, each step behind an attention over the words of all turns.
///
/// Math     b_ij = softmax_j v_w^T tanh(word_keys_ij + Q_w s)     r_i = sum_j b_ij word_values_ij
///          g_i = r_i, or the RNN's GRU(r_i, g_{i-1}) with r_i + b_ih as its input gates
///          a_i = softmax_i v^T tanh(W g_i + Q s)                 c = sum_i a_i g_i
///          s' = GRU(gates + C c, s)
///          Tanh over the words is made again on the way back, and a weight's gradient is one
///          product a step over all turns.
/// Shapes   gates (P,3H) with their bias; start (N,H), the order of `attention`'s rows and of
///          `packing`'s; weight_hh (3H,H), bias_hh (3H); the weights that come back are (P,U) a_i
/// Throws   ShapeError
/// Cost     O(P*U*(T*(K+D) + H*H)); keeps O(P*(U*(5H+K+T))) for the way back
RecurrentStates word_recurrence(const torch::Tensor& gates, const torch::Tensor& start,
                                const torch::Tensor& weight_hh, const torch::Tensor& bias_hh,
                                const Packing& packing, const WordAttention& attention);

/// The same by plain differentiable operations: other devices, and the tests.
RecurrentStates word_recurrence_plain(const torch::Tensor& gates, const torch::Tensor& start,
                                      const torch::Tensor& weight_hh, const torch::Tensor& bias_hh,
                                      const Packing& packing, const WordAttention& attention);

}  // namespace banter::models
