#include "models/layers/device_recurrence.h"

#include <vector>

#include <c10/core/DeviceGuard.h>

#include "models/layers/device_attention.h"
#include "models/layers/products.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// What a Function keeps beside tensors.
struct Plan : torch::CustomClassHolder {
  const RecurrentKernels* kernels = nullptr;
  std::vector<std::int64_t> counts, offsets;
  Products products;
};

float* at(const torch::Tensor& tensor, std::int64_t row) {
  return tensor.data_ptr<float>() + row * tensor.size(1);
}

/// Tensors are contiguous, rows in packed order; without attention the last five are (0,0).
struct DeviceRecurrence : Function<DeviceRecurrence> {
  static variable_list forward(AutogradContext* context, const torch::Tensor& gates,
                               const torch::Tensor& start, const torch::Tensor& weight_hh,
                               const torch::Tensor& bias_hh, const torch::Tensor& query_weight,
                               const torch::Tensor& v, const torch::Tensor& keys,
                               const torch::Tensor& values, const torch::Tensor& index,
                               const c10::intrusive_ptr<Plan>& plan, bool saves) {
    const c10::DeviceGuard guard(gates.device());
    const auto& k = *plan->kernels;
    const auto& products = plan->products;
    const auto H = weight_hh.size(1), P = gates.size(0), K = query_weight.size(0);
    const bool attends = K > 0;
    const auto rows = plan->counts.empty() ? 0 : plan->counts.front();
    const auto states = gates.new_empty({P, H});
    const auto kept_gates = saves ? gates.new_empty({P, 4 * H}) : torch::Tensor();
    const auto queries = gates.new_empty({P, K}), weights = gates.new_empty({P, index.size(1)});
    const auto inputs = attends ? gates.clone() : gates;
    const auto hidden_gates = gates.new_empty({rows, 3 * H});
    const auto seen = gates.new_empty({attends ? rows : 0, 3 * H});
    const auto to_gates = products.factor(weight_hh).t();
    const auto to_query = products.factor(query_weight).t();

    for (std::size_t t = 0; t < plan->counts.size(); ++t) {
      const auto n = plan->counts[t], place = plan->offsets[t];
      const auto before =
          t == 0 ? start.narrow(0, 0, n) : states.narrow(0, plan->offsets[t - 1], n);  // (n,H)
      auto gh = hidden_gates.narrow(0, 0, n);
      products.addmm_out(gh, bias_hh, before, to_gates);
      if (attends) {
        auto query = queries.narrow(0, place, n);
        products.mm_out(query, before, to_query);
        expect_started(
            k, k.turn_attention_forward(attention_at(queries, keys, v, values, index, n, place),
                                        at(weights, place), seen.data_ptr<float>()));
        inputs.narrow(0, place, n).add_(seen.narrow(0, 0, n));
      }
      expect_started(
          k, k.gru_forward(n, H, at(inputs, place), gh.data_ptr<float>(), before.data_ptr<float>(),
                           at(states, place), saves ? at(kept_gates, place) : nullptr));
    }
    if (saves) {
      context->save_for_backward({start, weight_hh, query_weight, v, keys, values, index, states,
                                  kept_gates, queries, weights});
      context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    }
    context->mark_non_differentiable({weights});
    return {states, weights};
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto saved = context->get_saved_variables();
    const auto &start = saved[0], &weight_hh = saved[1], &query_weight = saved[2], &v = saved[3];
    const auto &keys = saved[4], &values = saved[5], &index = saved[6], &states = saved[7];
    const auto &kept_gates = saved[8], &queries = saved[9], &weights = saved[10];
    const c10::DeviceGuard guard(states.device());
    const auto plan =
        c10::static_intrusive_pointer_cast<Plan>(context->saved_data["plan"].toCapsule());
    const auto& k = *plan->kernels;
    const auto& products = plan->products;
    const auto d_states = d_outputs[0].contiguous();
    const auto H = weight_hh.size(1), P = states.size(0), N = start.size(0);
    const auto K = query_weight.size(0), U = index.size(1);
    const bool attends = K > 0;

    const auto d_gates = states.new_empty({P, 3 * H}), d_hidden_gates = torch::empty_like(d_gates);
    const auto d_state = states.new_zeros({N, H}), direct = states.new_empty({N, H});
    const auto befores = states.new_empty({P, H});
    const auto d_queries = torch::empty_like(queries), d_keys = torch::zeros_like(keys);
    const auto d_values = torch::zeros_like(values), d_v = torch::zeros_like(v);
    const auto scratch =
        states.new_empty({attends ? k.turn_attention_scratch(index.size(0), U, K) : 0});
    PlacesOfRows places(k, index, keys.size(0));
    const auto from_gates = products.factor(weight_hh);
    const auto from_query = products.factor(query_weight);

    for (auto step = plan->counts.size(); step-- > 0;) {
      const auto n = plan->counts[step], place = plan->offsets[step];
      befores.narrow(0, place, n)
          .copy_(step == 0 ? start.narrow(0, 0, n) : states.narrow(0, plan->offsets[step - 1], n));
      auto d = d_state.narrow(0, 0, n);
      d.add_(d_states.narrow(0, place, n));
      expect_started(k, k.gru_backward(n, H, d.data_ptr<float>(), at(kept_gates, place),
                                       at(befores, place), at(d_gates, place),
                                       at(d_hidden_gates, place), direct.data_ptr<float>()));
      products.addmm_out(d, direct.narrow(0, 0, n), d_hidden_gates.narrow(0, place, n), from_gates);
      if (!attends) continue;
      expect_started(k, k.turn_attention_backward(
                            attention_at(queries, keys, v, values, index, n, place), places.of(n),
                            at(weights, place), at(d_gates, place), /*d_weights=*/nullptr,
                            {at(d_queries, place), d_keys.data_ptr<float>(), d_v.data_ptr<float>(),
                             d_values.data_ptr<float>()},
                            scratch.data_ptr<float>()));
      products.addmm_out(d, d, d_queries.narrow(0, place, n), from_query);
    }
    return {d_gates,
            d_state,
            products.mm(d_hidden_gates.t(), befores),
            d_hidden_gates.sum(0),
            products.mm(d_queries.t(), befores),
            d_v,
            d_keys,
            d_values,
            {},
            {},
            {}};
  }
};

}  // namespace

RecurrentStates gru_recurrence_by(const RecurrentKernels& kernels, const torch::Tensor& gates,
                                  const torch::Tensor& start, const torch::Tensor& weight_hh,
                                  const torch::Tensor& bias_hh, const Packing& packing,
                                  const std::optional<RecurrentAttention>& attention) {
  const auto first = start.defined() ? start.index_select(0, packing.order)
                                     : gates.new_zeros({packing.rows, weight_hh.size(1)});
  const auto none = gates.new_empty({0, 0});
  auto a = attention.value_or(RecurrentAttention{none, gates.new_empty({0}), none, none,
                                                 torch::empty({0, 0}, packing.order.options())});
  if (attention) a.index = a.index.index_select(0, packing.order);
  auto plan = c10::make_intrusive<Plan>();
  plan->kernels = &kernels;
  plan->counts = packing.counts;
  plan->offsets = packing.offsets;
  plan->products = Products::here(gates);
  const auto outputs = DeviceRecurrence::apply(
      gates.contiguous(), first, weight_hh.contiguous(), bias_hh, a.query_weight.contiguous(),
      a.v.contiguous(), a.keys.contiguous(), a.values.contiguous(), a.index.contiguous(), plan,
      torch::GradMode::is_enabled());
  return {outputs[0], attention ? outputs[1] : torch::Tensor()};
}

torch::Tensor gru_cell_by(const RecurrentKernels& kernels, const torch::Tensor& gates,
                          const torch::Tensor& hidden_gates, const torch::Tensor& h) {
  const c10::DeviceGuard guard(h.device());
  const auto a = gates.contiguous(), b = hidden_gates.contiguous(), old = h.contiguous();
  const auto next = torch::empty_like(old);
  expect_started(kernels,
                 kernels.gru_forward(old.size(0), old.size(1), a.const_data_ptr<float>(),
                                     b.const_data_ptr<float>(), old.const_data_ptr<float>(),
                                     next.data_ptr<float>(), nullptr));
  return next;
}

}  // namespace banter::models
