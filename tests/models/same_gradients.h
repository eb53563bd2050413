#pragma once

#include <vector>

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

namespace banter::models {

/// A leaf of normal numbers in double precision.
inline torch::Tensor random(at::IntArrayRef sizes) {
  return torch::randn(sizes, torch::kDouble).requires_grad_();
}

/// Holds a value, and its gradients in a random direction, to those of a reference on the same
/// leaves: the same arithmetic in another order.
inline void expect_same(const std::vector<torch::Tensor>& leaves, const torch::Tensor& a,
                        const torch::Tensor& b, double tolerance) {
  ASSERT_TRUE(torch::allclose(a, b, tolerance, tolerance)) << (a - b).abs().max();
  const auto direction = torch::randn_like(a);
  const auto da = torch::autograd::grad({(a * direction).sum()}, leaves);
  const auto db = torch::autograd::grad({(b * direction).sum()}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    EXPECT_TRUE(torch::allclose(da[i], db[i], tolerance, tolerance))
        << "leaf " << i << ": " << (da[i] - db[i]).abs().max();
}

/// The same of functions, in double precision.
template <typename F, typename G>
void expect_same(const std::vector<torch::Tensor>& leaves, const F& function, const G& reference) {
  expect_same(leaves, function(), reference(), 1e-10);
}

}  // namespace banter::models
