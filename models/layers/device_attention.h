#pragma once

#include <cstdint>

#include <torch/types.h>

#include "models/kernels/recurrent_kernels.h"
#include "models/layers/row_attention.h"

namespace banter::models {

/// The kernels of the GPU that a float32 tensor is on, unless BANTER_PLAIN names `device`; null for
/// other tensors and where libbanter_cuda.so has none.
const RecurrentKernels* device_kernels(const torch::Tensor& tensor);

/// Throws   base::Error unless `error` of a function of `kernels` is 0
void expect_started(const RecurrentKernels& kernels, int error);

/// The n queries from row `place` on and what they look at, by pointers.
/// Shapes   queries (P,K), keys (R,K), v (K), values (R,D), index (N,U), n <= N; all contiguous
TurnAttention<float> attention_at(const torch::Tensor& queries, const torch::Tensor& keys,
                                  const torch::Tensor& v, const torch::Tensor& values,
                                  const torch::Tensor& index, std::int64_t n, std::int64_t place);

/// The places of the rows in the first n rows of an index: made anew when n is another.
class PlacesOfRows {
 public:
  /// `kernels` must outlive it. Shapes   index (N,U) contiguous, of rows below R
  PlacesOfRows(const RecurrentKernels& kernels, const torch::Tensor& index, std::int64_t R);
  RowPlaces of(std::int64_t n);

 private:
  const RecurrentKernels& kernels_;
  torch::Tensor index_;
  std::int64_t table_rows_, made_for_ = -1;
  torch::Tensor starts_, places_, scratch_;
};

/// `additive_attention` by a table of kernels, forward and back, on tensors of the device that they
/// are of: what runs on a GPU, and with `reference_kernels` on the CPU.
/// Shapes   those of `additive_attention`, float32
/// Throws   base::Error when a kernel cannot be started
Attended additive_attention_by(const RecurrentKernels& kernels, const torch::Tensor& query,
                               const torch::Tensor& keys, const torch::Tensor& v,
                               const torch::Tensor& values, const torch::Tensor& index);

}  // namespace banter::models
