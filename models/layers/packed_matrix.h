#pragma once

#include <cstdint>

#include <torch/types.h>

namespace banter::models {

/// A matrix that rows are multiplied by again and again: packed once as the kernels read it, where
/// LibTorch's product would do so at each call. What a row gets depends neither on how many rows
/// there are nor on the number of threads.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// Shapes   weight (O,K), float or double on the CPU, any strides; its numbers are copied
  /// Cost     the copy is as large as W; made by all threads
  explicit PackedMatrix(const torch::Tensor& weight);

  /// out = added + x W^T, without gradient.
  /// Shapes   x (N,K) and out (N,O), contiguous; added (O), (N,O) contiguous, or undefined = 0. It
  ///          may be `out`
  void times_out(torch::Tensor& out, const torch::Tensor& x, const torch::Tensor& added) const;

 private:
  torch::Tensor packed_;   ///< (panels,K,panel)
  std::int64_t rows_ = 0;  ///< O
};

}  // namespace banter::models
