#pragma once

#include <functional>

namespace banter::tests {

/// Time and work in matrix products (mm, addmm, bmm of LibTorch, and our product of few rows).
struct MatrixProducts {
  double seconds = 0;
  double operations = 0;  ///< multiplications and additions
};

/// Runs `work` under LibTorch's profiler, the one of `torch.profiler` in Python.
MatrixProducts matrix_products_of(const std::function<void()>& work);

/// Operations a second of one large float32 product with the threads that are set: the best of
/// several.
double peak_operations_per_second();

}  // namespace banter::tests
