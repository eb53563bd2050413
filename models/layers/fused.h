#pragma once

#include <cstdint>

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include "models/kernels/kernels.h"

/// How tensors meet the plain-pointer kernels.
namespace banter::models {

constexpr std::int64_t kRowGrain = 4;      ///< rows that are worth a thread of their own
constexpr std::int64_t kColumnGrain = 64;  ///< columns, likewise

/// Whether the fused CPU kernels take these tensors (float or double on the CPU).
inline bool has_kernels(const torch::Tensor& tensor) {
  return tensor.is_cpu() &&
         (tensor.scalar_type() == torch::kFloat || tensor.scalar_type() == torch::kDouble);
}

inline RowIndex row_index(const torch::Tensor& index) {
  return {index.data_ptr<std::int64_t>(), index.size(1)};
}

/// Splits [0, n) among LibTorch's threads, at least `grain` each; `work(begin, end)`. What a cell
/// gets must not depend on the split.
template <typename Work>
void split(std::int64_t n, std::int64_t grain, const Work& work) {
  at::parallel_for(0, n, grain, work);
}

/// Calls `work` with a zero of the tensor's type: `with_type(x, [&](auto zero) { ... })`.
template <typename Work>
void with_type(const torch::Tensor& tensor, const Work& work) {
  if (tensor.scalar_type() == torch::kDouble) {
    work(double{});
  } else {
    work(float{});
  }
}

}  // namespace banter::models
