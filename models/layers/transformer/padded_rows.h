#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "models/layers/transformer/places.h"

namespace banter::models {

/// Rows of tokens of different lengths, packed: all but attention works on the P tokens alone, one
/// row behind the other.
///
/// B rows of at most W tokens, packed in the order `order`.
struct PaddedRows {
  torch::Tensor order;                ///< (B) int64
  std::vector<std::int64_t> lengths;  ///< (B): of the rows, in that order
  torch::Tensor place;                ///< (P) int64: of each token in the mask, flat
  torch::Tensor row;                  ///< (P) int64: of the mask
  Places positions;                   ///< (P): of each token in its row
  std::int64_t rows = 0, width = 0;   ///< B, W
  std::int64_t columns = 0;           ///< T, of the mask

  /// Shapes   keep_mask (B,T) bool, true = real; kept places need not be neighbours; order (B)
  /// Throws   ShapeError
  static PaddedRows of(const torch::Tensor& keep_mask, const torch::Tensor& order);

  [[nodiscard]] std::int64_t tokens() const { return place.size(0); }  ///< P
  /// The kept values. Shapes   values (B,T,...) as the mask -> (P,...)
  [[nodiscard]] torch::Tensor pack(const torch::Tensor& values) const;
  /// The way back; zeros where nothing was kept. Shapes   packed (P,...) -> (B,T,...)
  [[nodiscard]] torch::Tensor unpack(const torch::Tensor& packed) const;
  /// Each row's tokens from its beginning, zeros behind its end. Shapes   packed (P,...) ->
  /// (B,W,...)
  [[nodiscard]] torch::Tensor align(const torch::Tensor& packed) const;
  /// The same of the tokens' numbers. Shapes   returns (B,W) int64, -1 = none
  [[nodiscard]] torch::Tensor index() const;
};

/// The rows of a mask, longest first. Shapes   keep_mask (B,T) bool -> (B) int64
torch::Tensor longest_first(const torch::Tensor& keep_mask);

}  // namespace banter::models
