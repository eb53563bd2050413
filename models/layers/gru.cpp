#include "models/layers/gru.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include <torch/autograd.h>

#include "models/layers/device_attention.h"
#include "models/layers/device_recurrence.h"
#include "models/layers/fused.h"
#include "models/layers/packed_matrix.h"
#include "models/layers/products.h"
#include "models/layers/row_attention.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// A matrix that the rows of every step are multiplied by: few rows by a packed copy, where enough
/// steps have so few that packing pays, all others by LibTorch's product. That packs the matrix at
/// each call, and still is as fast from some hundred rows on; a single row it reads without.
class StepMatrix {
 public:
  StepMatrix() = default;
  /// Shapes   weight (O,K); `counts`: rows of each step
  StepMatrix(const torch::Tensor& weight, const std::vector<std::int64_t>& counts)
      : transposed_(weight.t()) {
    if (std::ranges::count_if(counts, is_few) >= kFewestSteps && is_used(Kernel::kStep))
      packed_.emplace(weight);
  }

  /// out = added + x W^T; `added` may be `out`, and undefined.
  void times_out(torch::Tensor& out, const torch::Tensor& x, const torch::Tensor& added) const {
    if (packed_ && is_few(x.size(0)))
      packed_->times_out(out, x, added);
    else if (added.defined())
      at::addmm_out(out, added, x, transposed_);
    else
      at::mm_out(out, x, transposed_);
  }

 private:
  static constexpr std::int64_t kFewestSteps = 16;
  static bool is_few(std::int64_t rows) { return rows > 1 && rows <= 64; }

  torch::Tensor transposed_;
  std::optional<PackedMatrix> packed_;
};

/// The steps of a packing as plain numbers, so that a Function can keep them.
struct Steps : torch::CustomClassHolder {
  std::vector<std::int64_t> counts, offsets;
};

/// The loop of gru_recurrence and its way back. Tensors are contiguous, rows in packed order.
struct Recurrence : Function<Recurrence> {
  /// Attention tensors are nothing when there is none; `saves` = gradients will be asked for.
  static variable_list forward(AutogradContext* context, const torch::Tensor& gates,
                               const torch::Tensor& start, const torch::Tensor& weight_hh,
                               const torch::Tensor& bias_hh,
                               const std::optional<torch::Tensor>& attention_query,
                               const std::optional<torch::Tensor>& attention_v,
                               const std::optional<torch::Tensor>& attention_keys,
                               const std::optional<torch::Tensor>& attention_values,
                               const std::optional<torch::Tensor>& attention_index,
                               const c10::intrusive_ptr<Steps>& steps, bool saves) {
    const auto query_weight = attention_query.value_or(torch::Tensor());
    const auto v = attention_v.value_or(torch::Tensor());
    const auto keys = attention_keys.value_or(torch::Tensor());
    const auto values = attention_values.value_or(torch::Tensor());
    const auto index = attention_index.value_or(torch::Tensor());
    const auto H = weight_hh.size(1);
    const auto P = gates.size(0);
    const bool attends = query_weight.defined();
    const auto U = attends ? index.size(1) : 0;
    const auto K = attends ? query_weight.size(0) : 0;

    const auto states = gates.new_empty({P, H});
    const auto kept_gates = saves ? gates.new_empty({P, 4 * H}) : torch::Tensor();
    const auto queries = attends ? gates.new_empty({P, K}) : torch::Tensor();
    const auto weights = attends ? gates.new_zeros({P, U}) : torch::Tensor();
    const auto inputs = attends ? gates.clone() : gates;
    const auto rows = steps->counts.empty() ? 0 : steps->counts.front();
    auto hidden_gates = gates.new_empty({rows, 3 * H});
    const StepMatrix to_gates(weight_hh, steps->counts),
        to_query = attends ? StepMatrix(query_weight, steps->counts) : StepMatrix();

    with_type(gates, [&](auto zero) {
      using T = decltype(zero);
      const auto& k = kernels<T>();
      for (std::size_t t = 0; t < steps->counts.size(); ++t) {
        const auto n = steps->counts[t];
        const auto at = steps->offsets[t];
        const auto before =
            t == 0 ? start.narrow(0, 0, n) : states.narrow(0, steps->offsets[t - 1], n);  // (n,H)
        auto gh = hidden_gates.narrow(0, 0, n);
        to_gates.times_out(gh, before, bias_hh);
        if (attends) {
          auto query = queries.narrow(0, at, n);
          to_query.times_out(query, before, {});
          split(n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
            auto* a = weights.template data_ptr<T>() + at * U;
            k.additive_weights(begin, end, K, query.template data_ptr<T>(),
                               keys.const_data_ptr<T>(), row_index(index), v.const_data_ptr<T>(),
                               a);
            k.add_weighted_rows(begin, end, 3 * H, a, values.const_data_ptr<T>(), row_index(index),
                                inputs.template data_ptr<T>() + at * 3 * H);
          });
        }
        split(n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
          k.gru_forward(end - begin, H, inputs.const_data_ptr<T>() + (at + begin) * 3 * H,
                        gh.const_data_ptr<T>() + begin * 3 * H,
                        before.const_data_ptr<T>() + begin * H,
                        states.template data_ptr<T>() + (at + begin) * H,
                        saves ? kept_gates.template data_ptr<T>() + (at + begin) * 4 * H : nullptr);
        });
      }
    });
    if (saves) {
      context->save_for_backward({start, weight_hh, query_weight, v, keys, values, index, states,
                                  kept_gates, queries, weights});
      context->saved_data["is_narrow"] = Products::here(gates).is_narrow;
      context->saved_data["steps"] = c10::IValue::make_capsule(steps);
    }
    if (attends) context->mark_non_differentiable({weights});
    return {states, attends ? weights : gates.new_empty({0})};
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto saved = context->get_saved_variables();
    const auto &start = saved[0], &weight_hh = saved[1], &query_weight = saved[2], &v = saved[3];
    const auto &keys = saved[4], &values = saved[5], &index = saved[6], &states = saved[7];
    const auto &kept_gates = saved[8], &queries = saved[9], &weights = saved[10];
    const auto steps =
        c10::static_intrusive_pointer_cast<Steps>(context->saved_data["steps"].toCapsule());
    const Products products{context->saved_data["is_narrow"].toBool()};
    const auto d_states = d_outputs[0].contiguous();
    const auto H = weight_hh.size(1);
    const auto P = states.size(0);
    const bool attends = query_weight.defined();
    const auto U = attends ? index.size(1) : 0;
    const auto K = attends ? query_weight.size(0) : 0;
    const auto N = start.size(0);

    const auto d_gates = states.new_empty({P, 3 * H});
    const auto d_hidden_gates = states.new_empty({P, 3 * H});
    const auto d_state = states.new_zeros({N, H});
    const auto direct = states.new_empty({N, H});
    const auto befores = states.new_empty({P, H});
    const auto d_queries = attends ? torch::empty_like(queries) : torch::Tensor();
    const auto d_weights = attends ? torch::zeros_like(weights) : torch::Tensor();
    const auto d_scores = attends ? torch::empty_like(weights) : torch::Tensor();
    const auto d_keys = attends ? torch::zeros_like(keys) : torch::Tensor();
    const auto d_values = attends ? torch::zeros_like(values) : torch::Tensor();
    const auto d_v = attends ? torch::zeros_like(v) : torch::Tensor();

    const StepMatrix from_gates(weight_hh.t(), steps->counts),
        from_query = attends ? StepMatrix(query_weight.t(), steps->counts) : StepMatrix();

    with_type(states, [&](auto zero) {
      using T = decltype(zero);
      const auto& k = kernels<T>();
      for (auto t = static_cast<std::int64_t>(steps->counts.size()) - 1; t >= 0; --t) {
        const auto n = steps->counts[static_cast<std::size_t>(t)];
        const auto at = steps->offsets[static_cast<std::size_t>(t)];
        const auto before =
            t == 0 ? start.narrow(0, 0, n)
                   : states.narrow(0, steps->offsets[static_cast<std::size_t>(t - 1)], n);
        befores.narrow(0, at, n).copy_(before);
        auto d = d_state.narrow(0, 0, n);
        d.add_(d_states.narrow(0, at, n));
        auto d_before = direct.narrow(0, 0, n);
        split(n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
          k.gru_backward(end - begin, H, d.template const_data_ptr<T>() + begin * H,
                         kept_gates.const_data_ptr<T>() + (at + begin) * 4 * H,
                         before.const_data_ptr<T>() + begin * H,
                         d_gates.template data_ptr<T>() + (at + begin) * 3 * H,
                         d_hidden_gates.template data_ptr<T>() + (at + begin) * 3 * H,
                         d_before.template data_ptr<T>() + begin * H);
          if (!attends) return;
          const auto* a = weights.const_data_ptr<T>() + at * U;
          auto* da = d_weights.template data_ptr<T>() + at * U;
          k.weighted_rows_d_weights(begin, end, 3 * H, d_gates.const_data_ptr<T>() + at * 3 * H,
                                    values.const_data_ptr<T>(), row_index(index), da);
          k.softmax_backward(begin, end, U, a, da, d_scores.template data_ptr<T>() + at * U);
        });
        from_gates.times_out(d, d_hidden_gates.narrow(0, at, n), d_before);
        if (!attends) continue;
        split(K, kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
          k.additive_backward(begin, end, n, K, queries.const_data_ptr<T>() + at * K,
                              keys.const_data_ptr<T>(), row_index(index), v.const_data_ptr<T>(),
                              d_scores.const_data_ptr<T>() + at * U,
                              d_queries.template data_ptr<T>() + at * K,
                              d_keys.template data_ptr<T>(), d_v.template data_ptr<T>());
        });
        split(3 * H, kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
          k.weighted_rows_d_values(begin, end, n, 3 * H, weights.const_data_ptr<T>() + at * U,
                                   d_gates.const_data_ptr<T>() + at * 3 * H, row_index(index),
                                   d_values.template data_ptr<T>());
        });
        from_query.times_out(d, d_queries.narrow(0, at, n), d);
      }
    });
    return {d_gates,
            d_state,
            products.mm(d_hidden_gates.t(), befores),
            d_hidden_gates.sum(0),
            attends ? products.mm(d_queries.t(), befores) : torch::Tensor(),
            d_v,
            d_keys,
            d_values,
            {},
            {},
            {}};
  }
};

/// Throws   ShapeError unless N rows of H numbers can look by it
void check_attention(const RecurrentAttention& attention, std::int64_t N, std::int64_t H,
                     torch::Dtype type) {
  const auto& a = attention;
  const auto K = dims<1>(a.v, "v (K)")[0], R = dims<2>(a.keys, "keys (R,K)")[0];
  expect_like(a.query_weight, {K, H}, type, "query_weight (K,H)");
  expect_like(a.v, {K}, type, "v (K)");
  expect_like(a.keys, {R, K}, type, "keys (R,K)");
  expect_like(a.values, {R, 3 * H}, type, "values (R,3H)");
  expect_like(a.index, {N, dims<2>(a.index, "index (N,U)")[1]}, torch::kLong, "index (N,U)");
}

}  // namespace

torch::Tensor gru_cell(const torch::Tensor& gates, const torch::Tensor& hidden_gates,
                       const torch::Tensor& h) {
  if (is_narrow(gates) || is_narrow(hidden_gates) || is_narrow(h))
    return gru_cell(widened(gates), widened(hidden_gates), widened(h));
  if (has_kernels(gates, Kernel::kGru) && !torch::GradMode::is_enabled()) {
    const auto a = gates.contiguous(), b = hidden_gates.contiguous(), old = h.contiguous();
    const auto next = torch::empty_like(old);
    with_type(a, [&](auto zero) {
      using T = decltype(zero);
      kernels<T>().gru_forward(a.size(0), old.size(1), a.const_data_ptr<T>(), b.const_data_ptr<T>(),
                               old.const_data_ptr<T>(), next.template data_ptr<T>(), nullptr);
    });
    return next;
  }
  if (const auto* device = device_kernels(gates);
      device != nullptr && !torch::GradMode::is_enabled())
    return gru_cell_by(*device, gates, hidden_gates, h);
  const auto a = gates.chunk(3, 1), b = hidden_gates.chunk(3, 1);
  const auto r = torch::sigmoid(a[0] + b[0]);
  const auto z = torch::sigmoid(a[1] + b[1]);
  const auto c = torch::tanh(a[2] + r * b[2]);
  return c + z * (h - c);
}

RecurrentStates gru_recurrence_plain(const torch::Tensor& gates, const torch::Tensor& start,
                                     const torch::Tensor& weight_hh, const torch::Tensor& bias_hh,
                                     const Packing& packing,
                                     const std::optional<RecurrentAttention>& attention) {
  const auto H = weight_hh.size(1);
  auto state =
      start.defined() ? start.index_select(0, packing.order) : gates.new_zeros({packing.rows, H});
  const auto index = attention ? attention->index.index_select(0, packing.order) : torch::Tensor();
  std::vector<torch::Tensor> states, weights;
  for (std::size_t t = 0; t < packing.counts.size(); ++t) {
    const auto n = packing.counts[t];
    const auto before = state.narrow(0, 0, n);
    auto input = gates.narrow(0, packing.offsets[t], n);
    if (attention) {
      const auto a = additive_weights_plain(before.mm(attention->query_weight.t()), attention->keys,
                                            index.narrow(0, 0, n), attention->v);
      input = input + weighted_rows_plain(a, attention->values, index.narrow(0, 0, n));
      weights.push_back(a.detach());
    }
    state = gru_cell(input, torch::addmm(bias_hh, before, weight_hh.t()), before);
    states.push_back(state);
  }
  if (states.empty()) return {gates.new_empty({0, H}), {}};
  return {torch::cat(states), weights.empty() ? torch::Tensor() : torch::cat(weights)};
}

RecurrentStates gru_recurrence(const torch::Tensor& gates, const torch::Tensor& start,
                               const torch::Tensor& weight_hh, const torch::Tensor& bias_hh,
                               const Packing& packing,
                               const std::optional<RecurrentAttention>& attention) {
  if (is_narrow(gates) || is_narrow(start) ||
      (attention && (is_narrow(attention->keys) || is_narrow(attention->values)))) {
    auto wide = attention;
    if (wide) {
      wide->keys = widened(wide->keys);
      wide->values = widened(wide->values);
    }
    return gru_recurrence(widened(gates), widened(start), weight_hh, bias_hh, packing, wide);
  }
  const auto H = dims<2>(weight_hh, "weight_hh (3H,H)")[1];
  expect_like(gates, {packing.places(), 3 * H}, weight_hh.scalar_type(), "gates (P,3H)");
  if (start.defined()) expect_like(start, {packing.rows, H}, gates.scalar_type(), "start (N,H)");
  expect_like(bias_hh, {3 * H}, gates.scalar_type(), "bias_hh (3H)");
  if (attention) check_attention(*attention, packing.rows, H, gates.scalar_type());
  if (const auto* device = device_kernels(gates))
    return gru_recurrence_by(*device, gates, start, weight_hh, bias_hh, packing, attention);
  if (!has_kernels(gates, attention ? Kernel::kDecoder : Kernel::kGru))
    return gru_recurrence_plain(gates, start, weight_hh, bias_hh, packing, attention);

  auto steps = c10::make_intrusive<Steps>();
  steps->counts = packing.counts;
  steps->offsets = packing.offsets;
  const auto first =
      start.defined() ? start.index_select(0, packing.order) : gates.new_zeros({packing.rows, H});
  std::optional<torch::Tensor> query_weight, v, keys, values, index;
  if (attention) {
    query_weight = attention->query_weight.contiguous();
    v = attention->v.contiguous();
    keys = attention->keys.contiguous();
    values = attention->values.contiguous();
    index = attention->index.index_select(0, packing.order);
  }
  const auto outputs =
      Recurrence::apply(gates.contiguous(), first, weight_hh.contiguous(), bias_hh.contiguous(),
                        query_weight, v, keys, values, index, steps, torch::GradMode::is_enabled());
  return {outputs[0], attention ? outputs[1] : torch::Tensor()};
}

GruImpl::GruImpl(std::int64_t input_dim, std::int64_t hidden_dim) {
  const auto gates = 3 * hidden_dim;
  weight_ih = register_parameter("weight_ih", torch::empty({gates, input_dim}));
  weight_hh = register_parameter("weight_hh", torch::empty({gates, hidden_dim}));
  bias_ih = register_parameter("bias_ih", torch::empty({gates}));
  bias_hh = register_parameter("bias_hh", torch::empty({gates}));
  step_hidden_ = register_module("step_hidden", StepLinear());
}

torch::Tensor GruImpl::forward(const torch::Tensor& input, const Packing& packing,
                               const torch::Tensor& start) {
  const auto gates = torch::addmm(bias_ih, input, weight_ih.t());  // (P,3H)
  return gru_recurrence(gates, start, weight_hh, bias_hh, packing).states;
}

torch::Tensor GruImpl::step(const torch::Tensor& gates, const torch::Tensor& state) {
  return gru_cell(gates, step_hidden_->forward(state, weight_hh, bias_hh), state);
}

}  // namespace banter::models
