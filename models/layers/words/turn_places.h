#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "models/layers/word_recurrence.h"

namespace banter::models {

/// The kept turns of all rows, row after row in packed order, so that those of the rows that are
/// still running stand in front; and the steps of the packing.
struct TurnPlaces : torch::CustomClassHolder {
  std::vector<std::int64_t> counts, offsets;           ///< of the packing
  std::vector<std::int64_t> first;                     ///< (N+1): place of each row's first turn
  std::vector<std::vector<std::int64_t>> by_position;  ///< of the rows' first turns, second, ...
  torch::Tensor row;                                   ///< (Q) int64: packed row of each place
  torch::Tensor turns;                                 ///< (N,U) int64 places, -1 = none
  torch::Tensor words;                                 ///< (Q,T) int64 rows of the words

  TurnPlaces(const WordAttention& attention, const Packing& packing);

  /// How many places of `position` are among the first `q`.
  [[nodiscard]] std::int64_t count(std::size_t position, std::int64_t q) const;
};

}  // namespace banter::models
