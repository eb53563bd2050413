#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace banter::models {

/// Rows of different lengths laid out step by step, longest row first, so that a recurrent network
/// works on the rows that are still running and never computes padding.
///
/// N rows, T places, P kept places in all. Packed place p of step t belongs to packed row
/// p - offsets[t]; the first counts[t] packed rows are running at step t.
struct Packing {
  std::vector<std::int64_t> counts;   ///< rows running at each step, falling
  std::vector<std::int64_t> offsets;  ///< packed place where each step begins; one more than steps
  torch::Tensor order;                ///< (N) int64: packed row i is row order[i]
  torch::Tensor inverse;              ///< (N) int64: row n is packed row inverse[n]
  torch::Tensor place;                ///< (P) int64: n * T + t of each packed place
  torch::Tensor row;                  ///< (P) int64: n
  torch::Tensor last;                 ///< (N) int64: packed place of the row's last step; 0 if none
  torch::Tensor empty;                ///< (N) bool: the row has no kept place
  bool any_empty = false;
  std::int64_t rows = 0, width = 0;  ///< N, T

  [[nodiscard]] std::int64_t steps() const { return static_cast<std::int64_t>(counts.size()); }
  [[nodiscard]] std::int64_t places() const { return offsets.back(); }  ///< P
  /// Where each place stands in packed form. Shapes   returns (N,T) int64, -1 = not kept
  [[nodiscard]] torch::Tensor index() const;
  /// Packed places with every row's order turned round: x.index_select(0, mirrored()) has each row
  /// from its end, and doing it twice changes nothing. Shapes   returns (P) int64
  [[nodiscard]] torch::Tensor mirrored() const;
  /// The packed places' values. Shapes   padded (N,T,...) -> (P,...)
  [[nodiscard]] torch::Tensor pack(const torch::Tensor& padded) const;
  /// The way back; zeros where nothing was kept. Shapes   packed (P,...) -> (N,T,...)
  [[nodiscard]] torch::Tensor unpack(const torch::Tensor& packed) const;
  /// Each row's value at its last step; zeros for an empty row. Shapes   packed (P,D) -> (N,D)
  [[nodiscard]] torch::Tensor at_last(const torch::Tensor& packed) const;
};

/// Shapes   keep_mask (N,T) bool, true = real; kept places need not be neighbours, their order
/// stays Throws   ShapeError
Packing make_packing(const torch::Tensor& keep_mask);

}  // namespace banter::models
