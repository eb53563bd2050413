#include "models/layers/row_dropout.h"

#include <algorithm>
#include <cstdint>

#include <torch/autograd.h>

#include "models/layers/fused.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr std::int64_t kElementGrain = 16'384;  // elements that are worth a thread of their own

/// Whether masks for it are made here, and not by LibTorch.
bool has_mask_kernel(const torch::Tensor& x) {
  constexpr std::int64_t kMostElements = 1LL << 32U;
  return has_kernels(x, Kernel::kDropout) && x.numel() < kMostElements;
}

/// x m / (1 - p), m made of `key`.
torch::Tensor dropped(const torch::Tensor& x, double p, std::uint64_t key) {
  constexpr double kNumbers = 1ULL << 32U;
  const auto threshold = static_cast<std::uint32_t>(std::min(p * kNumbers, kNumbers - 1));
  auto out = torch::empty_like(x);
  with_type(x, [&](auto zero) {
    using T = decltype(zero);
    split(x.numel(), kElementGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels<T>().drop(begin, end, key, threshold, static_cast<T>(1 / (1 - p)),
                        x.const_data_ptr<T>(), out.template data_ptr<T>());
    });
  });
  return out;
}

/// The mask is made again on the way back rather than kept.
struct Dropout : Function<Dropout> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, double p,
                               std::int64_t key) {
    context->saved_data["p"] = p;
    context->saved_data["key"] = key;
    return dropped(x.contiguous(), p, static_cast<std::uint64_t>(key));
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto key = static_cast<std::uint64_t>(context->saved_data["key"].toInt());
    return {dropped(d_outputs[0].contiguous(), context->saved_data["p"].toDouble(), key), {}, {}};
  }
};

/// 63 bits of LibTorch's generator.
std::int64_t drawn_key() { return torch::empty({}, torch::kLong).random_().item<std::int64_t>(); }

}  // namespace

RowDropoutImpl::RowDropoutImpl(double p, bool is_locked) : p_(p), is_locked_(is_locked) {}

torch::Tensor RowDropoutImpl::of_values(const torch::Tensor& x) {
  if (p_ == 0 || !is_training()) return x;
  return has_mask_kernel(x) ? Dropout::apply(x, p_, drawn_key())
                            : torch::dropout(x, p_, /*train=*/true);
}

torch::Tensor RowDropoutImpl::forward(const torch::Tensor& x, const Packing& rows) {
  if (!is_locked_ || p_ == 0 || !is_training()) return of_values(x);
  const auto ones = torch::ones({rows.rows, x.size(1)}, x.options().requires_grad(false));
  const auto mask = has_mask_kernel(ones)
                        ? dropped(ones, p_, static_cast<std::uint64_t>(drawn_key()))
                        : torch::empty_like(ones).bernoulli_(1 - p_).div_(1 - p_);
  return x * mask.index_select(0, rows.row);
}

}  // namespace banter::models
