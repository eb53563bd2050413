#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace banter::models {

/// N rows of something, as tensors that share their first dimension: what a model hands out and
/// gets back without the carrier looking inside.
struct Rows {
  std::vector<torch::Tensor> parts;  ///< each (N, ...); the same number of parts from one model

  [[nodiscard]] std::int64_t size() const { return parts.empty() ? 0 : parts.front().size(0); }

  /// Rows `index` (N') int64, in this order; a row may be taken several times.
  [[nodiscard]] Rows select(const torch::Tensor& index) const;

  /// The rows of `a`, then those of `b`. Where dimension 1 differs (another number of turns) the
  /// shorter one is filled with zeros behind its end; other dimensions must agree.
  /// Throws   ShapeError
  static Rows join(const Rows& a, const Rows& b);
};

}  // namespace banter::models
