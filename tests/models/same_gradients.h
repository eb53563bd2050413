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

/// Holds a function and its gradients to a reference, on the same leaves: the same arithmetic in
/// another order.
template <typename F, typename G>
void expect_same(const std::vector<torch::Tensor>& leaves, const F& function, const G& reference) {
  constexpr double kSame = 1e-10;
  const auto a = function(), b = reference();
  ASSERT_TRUE(torch::allclose(a, b, kSame, kSame)) << (a - b).abs().max();
  const auto direction = torch::randn_like(a);
  const auto da = torch::autograd::grad({(a * direction).sum()}, leaves);
  const auto db = torch::autograd::grad({(b * direction).sum()}, leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i)
    EXPECT_TRUE(torch::allclose(da[i], db[i], kSame, kSame))
        << "leaf " << i << ": " << (da[i] - db[i]).abs().max();
}

}  // namespace banter::models
