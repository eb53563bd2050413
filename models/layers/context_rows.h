#pragma once

#include <cstdint>

#include <torch/types.h>

#include "models/layers/gru.h"

namespace banter::models {

/// Vectors of turns as the replies of a batch see them: rows that replies share, by index.
struct ContextRows {
  torch::Tensor index;  ///< (B,U) int64 rows below, oldest first, -1 = none
  torch::Tensor rows;   ///< (R,H), R > 0

  /// A reply's sources are [facts; context].
  /// Shapes   facts (B,F), context (B,U) int64 rows of `vectors` (M,H), -1 = none
  static ContextRows of(const torch::Tensor& vectors, const torch::Tensor& facts,
                        const torch::Tensor& context);
  /// Rows that nobody shares. Shapes   rows (B*U,H); keep (B,U) bool, true = a source
  static ContextRows own(const torch::Tensor& rows, const torch::Tensor& keep);
  /// Those of N sequences that read rows `row` (N) of a memory.
  /// Shapes   memory (B,U,H), keep (B,U) bool, true = a source; index (N,U)
  static ContextRows of_memory(const torch::Tensor& memory, const torch::Tensor& keep,
                               const torch::Tensor& row);

  [[nodiscard]] torch::Tensor keep() const { return index.ge(0); }  ///< (B,U) bool
  /// Each reply's oldest and newest source; zeros where there is none. Shapes   returns (B,H)
  [[nodiscard]] torch::Tensor first() const;
  [[nodiscard]] torch::Tensor last() const;
};

/// The vectors of `table` (R,D) that `index` (B,U) names, any of them where it is -1.
/// Shapes   returns (B,U,D)
torch::Tensor rows_at(const torch::Tensor& table, const torch::Tensor& index);

/// States of a GRU that reads each reply's sources, oldest first: rows of their own, for a state
/// depends on what stood before.
ContextRows run_over(GruImpl& rnn, const ContextRows& turns);

/// Distances that have a vector of their own; sources further away share the last one.
constexpr std::int64_t kDistances = 64;

/// How many kept sources stand behind each one, less than kDistances.
/// Shapes   keep (B,U) bool -> (B,U) int64
torch::Tensor distances(const torch::Tensor& keep);

/// Vectors of the places 0, 1, ... Shapes   returns (positions,width) float64
/// Source   Vaswani et al. 2017, arXiv:1706.03762, section 3.5
torch::Tensor sinusoidal(std::int64_t positions, std::int64_t width);

}  // namespace banter::models
