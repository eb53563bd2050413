#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <torch/types.h>

#include "base/errors.h"

namespace banter::models {

using base::ShapeError;

/// The sizes of a tensor that must have N dimensions: `const auto [M, T] = dims<2>(ids, "ids
/// (M,T)")`. Throws   ShapeError "ids (M,T): expected 2 dimensions, got 3"
template <std::size_t N>
std::array<std::int64_t, N> dims(const torch::Tensor& tensor, std::string_view what) {
  if (tensor.dim() != static_cast<std::int64_t>(N)) {
    throw ShapeError(std::string(what) + ": expected " + std::to_string(N) + " dimensions, got " +
                     std::to_string(tensor.dim()));
  }
  std::array<std::int64_t, N> sizes{};
  for (std::size_t i = 0; i < N; ++i) sizes[i] = tensor.size(static_cast<std::int64_t>(i));
  return sizes;
}

/// Throws   ShapeError unless the tensor has exactly these sizes and this dtype
inline void expect_like(const torch::Tensor& tensor, at::IntArrayRef sizes, torch::Dtype dtype,
                        std::string_view what) {
  if (tensor.sizes() == sizes && tensor.scalar_type() == dtype) return;
  throw ShapeError(c10::str(what, ": expected ", sizes, " ", dtype, ", got ", tensor.sizes(), " ",
                            tensor.scalar_type()));
}

}  // namespace banter::models
