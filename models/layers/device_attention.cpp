#include "models/layers/device_attention.h"

#include <algorithm>
#include <string>

#include <c10/core/DeviceGuard.h>

#include "base/errors.h"
#include "models/cuda/door.h"
#include "models/cuda/module.h"
#include "models/layers/fused.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// A table of kernels, kept by a Function.
struct Table : torch::CustomClassHolder {
  const RecurrentKernels* kernels = nullptr;
};

/// Tensors are contiguous.
struct DeviceAttention : Function<DeviceAttention> {
  static variable_list forward(AutogradContext* context, const torch::Tensor& query,
                               const torch::Tensor& keys, const torch::Tensor& v,
                               const torch::Tensor& values, const torch::Tensor& index,
                               const c10::intrusive_ptr<Table>& table) {
    const c10::DeviceGuard guard(query.device());
    const auto N = query.size(0);
    const auto weights = query.new_empty(index.sizes()), out = query.new_empty({N, values.size(1)});
    expect_started(*table->kernels, table->kernels->turn_attention_forward(
                                        attention_at(query, keys, v, values, index, N, 0),
                                        weights.data_ptr<float>(), out.data_ptr<float>()));
    context->save_for_backward({query, keys, v, values, index, weights});
    context->saved_data["table"] = c10::IValue::make_capsule(table);
    return {weights, out};
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto saved = context->get_saved_variables();
    const auto &query = saved[0], &keys = saved[1], &v = saved[2], &values = saved[3];
    const auto &index = saved[4], &weights = saved[5];
    const c10::DeviceGuard guard(query.device());
    const auto table =
        c10::static_intrusive_pointer_cast<Table>(context->saved_data["table"].toCapsule());
    const auto& k = *table->kernels;
    const auto N = query.size(0), U = index.size(1);
    const auto d_weights = d_outputs[0].contiguous(), d_out = d_outputs[1].contiguous();
    const auto d_query = torch::empty_like(query), d_keys = torch::zeros_like(keys);
    const auto d_v = torch::zeros_like(v), d_values = torch::zeros_like(values);
    const auto scratch = query.new_empty({k.turn_attention_scratch(N, U, keys.size(1))});
    PlacesOfRows places(k, index, keys.size(0));
    expect_started(k, k.turn_attention_backward(
                          attention_at(query, keys, v, values, index, N, 0), places.of(N),
                          weights.const_data_ptr<float>(), d_out.const_data_ptr<float>(),
                          d_weights.const_data_ptr<float>(),
                          {d_query.data_ptr<float>(), d_keys.data_ptr<float>(),
                           d_v.data_ptr<float>(), d_values.data_ptr<float>()},
                          scratch.data_ptr<float>()));
    return {d_query, d_keys, d_v, d_values, {}, {}};
  }
};

}  // namespace

const RecurrentKernels* device_kernels(const torch::Tensor& tensor) {
  if (!tensor.is_cuda() || tensor.scalar_type() != torch::kFloat || !is_used(Kernel::kDevice))
    return nullptr;
  static const RecurrentKernels* const table = [] {
    auto* const get = cuda_function<decltype(banter_cuda_kernels)>("banter_cuda_kernels");
    return get == nullptr ? nullptr : get();
  }();
  return table;
}

void expect_started(const RecurrentKernels& kernels, int error) {
  if (error != 0)
    throw base::Error(std::string("a kernel cannot be started: ") + kernels.problem(error) +
                      "; BANTER_PLAIN=device does without ours");
}

TurnAttention<float> attention_at(const torch::Tensor& queries, const torch::Tensor& keys,
                                  const torch::Tensor& v, const torch::Tensor& values,
                                  const torch::Tensor& index, std::int64_t n, std::int64_t place) {
  return {.N = n,
          .U = index.size(1),
          .R = keys.size(0),
          .K = keys.size(1),
          .D = values.size(1),
          .query = queries.const_data_ptr<float>() + place * queries.size(1),
          .keys = keys.const_data_ptr<float>(),
          .v = v.const_data_ptr<float>(),
          .values = values.const_data_ptr<float>(),
          .index = index.const_data_ptr<std::int64_t>()};
}

PlacesOfRows::PlacesOfRows(const RecurrentKernels& kernels, const torch::Tensor& index,
                           std::int64_t R)
    : kernels_(kernels),
      index_(index),
      table_rows_(R),
      starts_(torch::empty({R + 1}, index.options().dtype(torch::kInt))),
      places_(torch::empty({std::max<std::int64_t>(index.numel(), 1)}, starts_.options())),
      scratch_(torch::empty(
          {static_cast<std::int64_t>(kernels.row_places_scratch(index.size(0), index.size(1), R))},
          index.options().dtype(torch::kByte))) {}

RowPlaces PlacesOfRows::of(std::int64_t n) {
  if (n != made_for_)
    expect_started(
        kernels_,
        kernels_.row_places(n, index_.size(1), table_rows_, index_.const_data_ptr<std::int64_t>(),
                            starts_.data_ptr<std::int32_t>(), places_.data_ptr<std::int32_t>(),
                            scratch_.data_ptr()));
  made_for_ = n;
  return {starts_.const_data_ptr<std::int32_t>(), places_.const_data_ptr<std::int32_t>()};
}

Attended additive_attention_by(const RecurrentKernels& kernels, const torch::Tensor& query,
                               const torch::Tensor& keys, const torch::Tensor& v,
                               const torch::Tensor& values, const torch::Tensor& index) {
  auto table = c10::make_intrusive<Table>();
  table->kernels = &kernels;
  const auto outputs = DeviceAttention::apply(query.contiguous(), keys.contiguous(), v.contiguous(),
                                              values.contiguous(), index.contiguous(), table);
  return {outputs[0], outputs[1]};
}

}  // namespace banter::models
