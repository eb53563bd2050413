#include "models/layers/word_recurrence.h"

#include <utility>
#include <vector>

#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/row_attention.h"
#include "models/layers/shapes.h"
#include "models/layers/words/turn_places.h"
#include "models/layers/words/word_loop.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

struct WordRecurrence : Function<WordRecurrence> {
  /// `parameters`: contiguous, in the order of WordParameters; `saves` = gradients are asked for.
  static variable_list forward(AutogradContext* context, at::TensorList parameters,
                               const c10::intrusive_ptr<TurnPlaces>& places, bool saves) {
    WordParameters in;
    std::size_t next = 0;
    WordParameters::each(in, [&](torch::Tensor& tensor) { tensor = parameters[next++]; });
    WordTrace trace;
    with_type(in.gates,
              [&](auto zero) { WordLoop<decltype(zero)>(in, *places, trace).forth(saves); });
    if (saves) {
      variable_list kept(parameters.begin(), parameters.end());
      WordTrace::each(trace, [&](const torch::Tensor& tensor) { kept.push_back(tensor); });
      context->save_for_backward(std::move(kept));
      context->saved_data["places"] = c10::IValue::make_capsule(places);
    }
    context->mark_non_differentiable({trace.turn_weights});
    return {trace.states, trace.turn_weights};
  }

  static variable_list backward(AutogradContext* context, const variable_list& d_outputs) {
    const auto places =
        c10::static_intrusive_pointer_cast<TurnPlaces>(context->saved_data["places"].toCapsule());
    const auto saved = context->get_saved_variables();
    std::size_t next = 0;
    const auto take = [&](torch::Tensor& tensor) { tensor = saved[next++]; };
    WordParameters in;
    WordTrace trace;
    trace.steps.resize(places->counts.size());
    WordParameters::each(in, take);
    WordTrace::each(trace, take);
    variable_list gradients;
    with_type(in.gates, [&](auto zero) {
      const auto d = WordLoop<decltype(zero)>(in, *places, trace).back(d_outputs[0].contiguous());
      WordParameters::each(d, [&](const torch::Tensor& tensor) { gradients.push_back(tensor); });
    });
    gradients.resize(gradients.size() + 2);  // of the places and of `saves`
    return gradients;
  }
};

/// Throws   ShapeError
void check_shapes(const torch::Tensor& gates, const torch::Tensor& start,
                  const torch::Tensor& weight_hh, const Packing& packing,
                  const WordAttention& attention) {
  const auto type = gates.scalar_type();
  const auto H = dims<2>(weight_hh, "weight_hh (3H,H)")[1];
  const auto K = dims<1>(attention.word_v, "word_v (K)")[0];
  const auto R = dims<2>(attention.word_keys, "word_keys (R,K)")[0];
  const auto N = packing.rows, U = dims<3>(attention.words, "words (N,U,T)")[1];
  const auto D = attention.has_rnn() ? 3 * H : H;
  expect_like(gates, {packing.places(), 3 * H}, weight_hh.scalar_type(), "gates (P,3H)");
  expect_like(start, {N, H}, type, "start (N,H)");
  expect_like(attention.word_keys, {R, K}, type, "word_keys (R,K)");
  expect_like(attention.word_values, {R, D}, type, "word_values (R,D)");
  expect_like(attention.words, {N, U, attention.words.size(2)}, torch::kLong, "words (N,U,T)");
  expect_like(attention.keep, {N, U}, torch::kBool, "keep (N,U)");
  expect_like(attention.turn_v, {K}, type, "turn_v (K)");
}

}  // namespace

RecurrentStates word_recurrence(const torch::Tensor& gates, const torch::Tensor& start,
                                const torch::Tensor& weight_hh, const torch::Tensor& bias_hh,
                                const Packing& packing, const WordAttention& attention) {
  if (is_narrow(gates) || is_narrow(start) || is_narrow(attention.word_keys) ||
      is_narrow(attention.word_values)) {
    auto wide = attention;
    wide.word_keys = widened(attention.word_keys);
    wide.word_values = widened(attention.word_values);
    return word_recurrence(widened(gates), widened(start), weight_hh, bias_hh, packing, wide);
  }
  check_shapes(gates, start, weight_hh, packing, attention);
  if (!has_kernels(gates, Kernel::kWords) || packing.places() == 0)
    return word_recurrence_plain(gates, start, weight_hh, bias_hh, packing, attention);
  const auto none = gates.new_empty({0});
  const auto& a = attention;
  const bool has_rnn = a.has_rnn();
  const WordParameters in{.gates = gates,
                          .start = start.index_select(0, packing.order),
                          .weight_hh = weight_hh,
                          .bias_hh = bias_hh,
                          .word_query_weight = a.word_query_weight,
                          .word_v = a.word_v,
                          .word_keys = a.word_keys,
                          .word_values = a.word_values,
                          .rnn_bias_ih = has_rnn ? a.rnn_bias_ih : none,
                          .rnn_weight_hh = has_rnn ? a.rnn_weight_hh : none,
                          .rnn_bias_hh = has_rnn ? a.rnn_bias_hh : none,
                          .turn_weight = a.turn_weight,
                          .turn_query_weight = a.turn_query_weight,
                          .turn_v = a.turn_v,
                          .context_weight = a.context_weight};
  variable_list parameters;
  WordParameters::each(
      in, [&](const torch::Tensor& tensor) { parameters.push_back(tensor.contiguous()); });
  const InFloat in_float;
  const auto outputs = WordRecurrence::apply(at::TensorList(parameters),
                                             c10::make_intrusive<TurnPlaces>(attention, packing),
                                             torch::GradMode::is_enabled());
  return {outputs[0], outputs[1]};
}

RecurrentStates word_recurrence_plain(const torch::Tensor& gates, const torch::Tensor& start,
                                      const torch::Tensor& weight_hh, const torch::Tensor& bias_hh,
                                      const Packing& packing, const WordAttention& attention) {
  const auto& a = attention;
  const auto U = a.keep.size(1);
  const auto keep = a.keep.index_select(0, packing.order);
  const auto words = a.words.index_select(0, packing.order);
  /// g of all turns. Shapes   read (n*U,3H) -> (n*U,H)
  const auto run_over_turns = [&](const torch::Tensor& read, std::int64_t n) {
    const auto inputs = (read + a.rnn_bias_ih).view({n, U, -1});
    auto g = read.new_zeros({n, weight_hh.size(1)});
    std::vector<torch::Tensor> all;
    for (std::int64_t u = 0; u < U; ++u) {
      const auto hidden_gates = torch::addmm(a.rnn_bias_hh, g, a.rnn_weight_hh.t());
      const auto next = gru_cell(inputs.select(1, u), hidden_gates, g);
      g = torch::where(keep.narrow(0, 0, n).narrow(1, u, 1), next, g);
      all.push_back(g);
    }
    return torch::stack(all, 1).flatten(0, 1);
  };
  auto state = start.index_select(0, packing.order);
  std::vector<torch::Tensor> states, weights;
  for (std::size_t t = 0; t < packing.counts.size(); ++t) {
    const auto n = packing.counts[t];
    const auto before = state.narrow(0, 0, n);
    const auto rows = words.narrow(0, 0, n).flatten(0, 1);  // (n*U,T)
    const auto asked = before.mm(a.word_query_weight.t()).repeat_interleave(U, 0);
    const auto b = additive_weights_plain(asked, a.word_keys, rows, a.word_v);
    auto turns = weighted_rows_plain(b, a.word_values, rows);
    if (a.has_rnn()) turns = run_over_turns(turns, n);
    const auto index = torch::arange(n * U, rows.options())
                           .view({n, U})
                           .masked_fill(keep.narrow(0, 0, n).logical_not(), -1);
    const auto weight = additive_weights_plain(before.mm(a.turn_query_weight.t()),
                                               turns.mm(a.turn_weight.t()), index, a.turn_v);
    const auto seen = weighted_rows_plain(weight, turns, index).mm(a.context_weight.t());
    state = gru_cell(gates.narrow(0, packing.offsets[t], n) + seen,
                     torch::addmm(bias_hh, before, weight_hh.t()), before);
    states.push_back(state);
    weights.push_back(weight.detach());
  }
  if (states.empty()) return {gates.new_empty({0, weight_hh.size(1)}), gates.new_empty({0, U})};
  return {torch::cat(states), torch::cat(weights)};
}

}  // namespace banter::models
