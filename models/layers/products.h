#pragma once

#include <ATen/autocast_mode.h>
#include <torch/types.h>

/// Matrix products inside our own Functions, which LibTorch's autocast does not reach.
namespace banter::models {

/// Whether autocast made it narrower than float32.
inline bool is_narrow(const torch::Tensor& x) {
  return x.defined() && x.scalar_type() == torch::kBFloat16;
}

/// As float32 again: what kernels, sums and losses take.
inline torch::Tensor widened(const torch::Tensor& x) {
  return is_narrow(x) ? x.to(torch::kFloat) : x;
}

/// While it lives autocast narrows nothing.
class InFloat {
 public:
  InFloat() : no_autocast_(c10::autocast_dispatch_keyset) {}

 private:
  c10::impl::ExcludeDispatchKeyGuard no_autocast_;
};

/// Products of float matrices, or of their numbers as bfloat16 with results in float32, by what
/// autocast says where one is made. Not on the way back: keep `is_narrow`.
struct Products {
  bool is_narrow = false;

  static Products here(const torch::Tensor& x) {
    const auto device = x.device().type();
    return {x.scalar_type() == torch::kFloat && at::autocast::is_autocast_enabled(device) &&
            at::autocast::get_autocast_dtype(device) == torch::kBFloat16};
  }

  /// For a matrix that is multiplied often: its numbers as they are multiplied.
  [[nodiscard]] torch::Tensor factor(const torch::Tensor& x) const {
    return is_narrow ? x.to(torch::kBFloat16) : x;
  }
  /// out = a b; a and b may be factors.
  void mm_out(torch::Tensor& out, const torch::Tensor& a, const torch::Tensor& b) const {
    if (is_narrow) {
      out.copy_(at::mm(factor(a), factor(b)));
    } else {
      at::mm_out(out, a, b);
    }
  }
  /// out = added + a b; `added` may be `out`.
  void addmm_out(torch::Tensor& out, const torch::Tensor& added, const torch::Tensor& a,
                 const torch::Tensor& b) const {
    if (is_narrow) {
      at::add_out(out, added, at::mm(factor(a), factor(b)));
    } else {
      at::addmm_out(out, added, a, b);
    }
  }
  [[nodiscard]] torch::Tensor mm(const torch::Tensor& a, const torch::Tensor& b) const {
    return is_narrow ? at::mm(factor(a), factor(b)).to(torch::kFloat) : a.mm(b);
  }
};

}  // namespace banter::models
