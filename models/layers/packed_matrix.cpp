#include "models/layers/packed_matrix.h"

#include <vector>

#include <ATen/record_function.h>

#include "models/layers/fused.h"

namespace banter::models {
namespace {

constexpr std::int64_t kPanelGrain = 2;  // panels that are worth a thread of their own

template <typename T>
std::int64_t panels(std::int64_t rows) {
  return (rows + kernels<T>().panel - 1) / kernels<T>().panel;
}

}  // namespace

PackedMatrix::PackedMatrix(const torch::Tensor& weight) : rows_(weight.size(0)) {
  with_type(weight, [&](auto zero) {
    using T = decltype(zero);
    const auto K = weight.size(1);
    packed_ = weight.new_empty({panels<T>(rows_), K, kernels<T>().panel});
    split(panels<T>(rows_), kPanelGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels<T>().pack(begin, end, rows_, K, weight.const_data_ptr<T>(), weight.stride(0),
                        weight.stride(1), packed_.data_ptr<T>());
    });
  });
}

void PackedMatrix::times_out(torch::Tensor& out, const torch::Tensor& x,
                             const torch::Tensor& added) const {
  // So that profilers see it, with (N,K) and (N,O).
  RECORD_FUNCTION("banter::times_packed", std::vector<c10::IValue>({x, out}));
  with_type(x, [&](auto zero) {
    using T = decltype(zero);
    const auto* add = added.defined() ? added.const_data_ptr<T>() : nullptr;
    const auto stride = added.defined() && added.dim() == 2 ? rows_ : 0;
    split(panels<T>(rows_), kPanelGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels<T>().rows_times_packed(begin, end, x.size(0), x.size(1), rows_, x.const_data_ptr<T>(),
                                     packed_.const_data_ptr<T>(), add, stride, out.data_ptr<T>());
    });
  });
}

}  // namespace banter::models
