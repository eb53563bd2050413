#include "models/hred.h"

#include <cmath>

#include "models/layers/fused.h"
#include "models/layers/packing.h"
#include "models/layers/row_attention.h"

namespace banter::models {
namespace {

/// sig(x) value by value: LibTorch's own has other last bits at the end of a tensor than before it,
/// and a row of a step must not depend on how many there are.
torch::Tensor sigmoid_of_rows(const torch::Tensor& x) {
  if (!has_kernels(x) || torch::GradMode::is_enabled()) return torch::sigmoid(x);
  const auto in = x.contiguous(), out = torch::empty_like(in);
  with_type(in, [&](auto zero) {
    using T = decltype(zero);
    const auto* from = in.const_data_ptr<T>();
    auto* to = out.template data_ptr<T>();
    for (std::int64_t i = 0; i < in.numel(); ++i) to[i] = 1 / (1 + std::exp(-from[i]));
  });
  return out;
}

}  // namespace

HredOptions HredOptions::from(configs::Section& section) {
  HredOptions o;
  o.read(section);
  o.attention = section.choice("attention", o.attention, {"none", "static", "dynamic", "both"});
  o.combine = section.choice("combine", o.combine, {"concat", "sum", "weighted", "max", "mean"});
  o.gate = section.choice("gate", o.gate, {"fixed", "state"});
  o.static_query = section.choice("static_query", o.static_query, {"last", "first"});
  o.context_rnn = section.get("context_rnn", o.attention == "none");
  o.turn_positions =
      section.choice("turn_positions", o.turn_positions, {"none", "learned", "sinusoidal"});
  const HredOptions defaults;
  section.check(o.combine == defaults.combine || o.attention == "both", "combine",
                "left out unless attention is both: there is nothing to combine");
  section.check(o.gate == defaults.gate || o.combine == "weighted", "gate",
                "left out unless combine is weighted: there is no gate");
  section.check(o.static_query == defaults.static_query || o.has_static(), "static_query",
                "left out unless attention is static or both");
  section.check(o.turn_positions == defaults.turn_positions || o.attention != "none",
                "turn_positions",
                "left out unless there is attention: the last turn alone is read");
  section.check(o.context_rnn || o.attention != "none", "context_rnn",
                "true when attention is none: the decoder would see one turn only");
  return o;
}

Hred::Hred(const HredOptions& o, const Vocabulary& vocabulary)
    : TurnModel(o, vocabulary), options(o) {
  const auto H = o.hidden_dim;
  if (o.context_rnn) context_rnn_ = register_module("context_rnn", Gru(H, H));
  if (o.turn_positions == "learned")
    positions_ = register_module("positions", torch::nn::Embedding(kDistances, H));
  if (o.has_static())
    static_attention_ = register_module("static_attention", AdditiveAttention(H, H, H));
  if (o.has_dynamic())
    dynamic_attention_ = register_module("dynamic_attention", AdditiveAttention(H, H, H));
  const bool concat = o.attention == "both" && o.combine == "concat";
  if (o.attention == "both" && o.combine == "weighted") {
    if (o.gate == "state") {
      gate_ = register_module("gate",
                              torch::nn::Linear(torch::nn::LinearOptions(3 * H, 1).bias(false)));
    } else {
      share_ = register_parameter("share", torch::zeros({}));
    }
  }
  register_decoder(H, concat ? 2 * H : H);
  step_context_ = register_module("step_context", StepLinear());
  step_gate_ = register_module("step_gate", StepLinear());
}

bool Hred::is_linear() const {
  return options.attention != "both" ||
         !(options.combine == "max" || (options.combine == "weighted" && options.gate == "state"));
}

torch::Tensor Hred::dynamic_weight() const {
  const auto all = context_weight();
  return all.slice(1, all.size(1) - options.hidden_dim);
}

// ---- turns ----------------------------------------------------------------------------------

/// g_i of them when there is a context RNN, and the vectors of their distances.
ContextRows Hred::read_turns(const ContextRows& turns) {
  const auto read = context_rnn_.is_empty() ? turns : run_over(*context_rnn_, turns);
  if (options.turn_positions == "none") return read;
  const auto keep = read.keep();
  const auto far = distances(keep).flatten();
  const auto added =
      positions_.is_empty()
          ? sinusoidal(kDistances, options.hidden_dim).to(read.rows.options()).index_select(0, far)
          : positions_(far);
  return ContextRows::own(rows_at(read.rows, read.index).flatten(0, 1) + added, keep);
}

Hred::Sources Hred::sources(const torch::Tensor& vectors, const torch::Tensor& context,
                            const torch::Tensor& facts) {
  Sources s;
  s.turns = read_turns(ContextRows::of(vectors, facts, context));
  const auto& [index, turns] = s.turns;
  const auto last = s.turns.last();
  s.start = torch::tanh(start_(last));
  torch::Tensor c;
  if (options.has_static()) {
    const auto query = options.static_query == "last" ? last : s.turns.first();
    s.static_weights = static_attention_->weights(query, static_attention_->keys(turns), index);
    c = weighted_rows(s.static_weights, turns, index);
  } else if (options.attention == "none") {
    c = last;
  }
  if (options.has_dynamic()) s.keys = dynamic_attention_->keys(turns);
  if (!is_linear()) {
    s.fixed = c;
    return s;
  }
  const auto H = options.hidden_dim;
  if (c.defined()) s.gates = c.mm(context_weight().narrow(1, 0, H).t());
  if (!options.has_dynamic()) return s;
  s.values = turns.mm(dynamic_weight().t());
  if (options.attention != "both" || options.combine == "concat" || options.combine == "sum")
    return s;
  const auto share =
      options.combine == "mean" ? torch::full({}, 0.5, s.values.options()) : torch::sigmoid(share_);
  s.gates = s.gates * share;
  s.values = s.values * (1 - share);
  return s;
}

// ---- teacher forcing --------------------------------------------------------------------------

torch::Tensor Hred::combined(const torch::Tensor& c, const torch::Tensor& c_t,
                             const torch::Tensor& s) {
  if (options.combine == "max") return torch::maximum(c, c_t);
  const auto share =
      sigmoid_of_rows(step_gate_->forward(torch::cat({c, c_t, s}, 1), gate_->weight));  // (N,1)
  return share * c + (1 - share) * c_t;
}

RecurrentStates Hred::decode_by_step(const Sources& sources, const torch::Tensor& gates,
                                     const Packing& labels) {
  auto s = sources.start.index_select(0, labels.order);
  const auto c = sources.fixed.index_select(0, labels.order);
  const auto index = sources.turns.index.index_select(0, labels.order);
  const auto weight = context_weight();
  std::vector<torch::Tensor> states, weights;
  for (std::size_t t = 0; t < labels.counts.size(); ++t) {
    const auto n = labels.counts[t];
    const auto before = s.narrow(0, 0, n);
    const auto rows = index.narrow(0, 0, n);
    const auto a = dynamic_attention_->weights(before, sources.keys, rows);
    const auto seen = weighted_rows(a, sources.turns.rows, rows);
    const auto c_hat = combined(c.narrow(0, 0, n), seen, before);
    s = decoder_->step(gates.narrow(0, labels.offsets[t], n) + c_hat.mm(weight.t()), before);
    states.push_back(s);
    weights.push_back(a.detach());
  }
  return {torch::cat(states), torch::cat(weights)};
}

RecurrentStates Hred::run_decoder(const Sources& sources, const torch::Tensor& gates,
                                  const Packing& labels) {
  if (!is_linear()) return decode_by_step(sources, gates, labels);
  if (!options.has_dynamic()) return TurnModel::run_decoder(sources, gates, labels);
  return gru_recurrence(gates, sources.start, decoder_->weight_hh, decoder_->bias_hh, labels,
                        RecurrentAttention{dynamic_attention_->query_weight, dynamic_attention_->v,
                                           sources.keys, sources.values, sources.turns.index});
}

// ---- decoding ---------------------------------------------------------------------------------

Memory Hred::memory_of(const Sources& sources) const {
  auto memory = TurnModel::memory_of(sources);
  if (!options.has_dynamic()) return memory;
  const auto& [index, turns] = sources.turns;
  memory.parts.push_back(sources.turns.keep());
  memory.parts.push_back(rows_at(sources.keys, index));
  memory.parts.push_back(rows_at(is_linear() ? sources.values : turns, index));
  if (!is_linear()) memory.parts.push_back(sources.fixed);
  return memory;
}

torch::Tensor Hred::gates_of_step(const torch::Tensor& gates, const Memory& memory,
                                  const State& state, std::vector<Attention>& attention) {
  if (!options.has_dynamic()) return gates;
  const auto& before = state.rows.parts.at(0);  // (N,H)
  const auto& memory_row = state.memory_row;
  const auto keep = memory.parts.at(kKeep).index_select(0, memory_row);  // (N,U)
  const auto U = keep.size(1);
  const auto index = (memory_row.unsqueeze(1) * U + torch::arange(U, memory_row.options()))
                         .masked_fill(keep.logical_not(), -1);
  const auto a = dynamic_attention_->weights(before, memory.parts.at(kKeys).flatten(0, 1), index);
  const auto seen = weighted_rows(a, memory.parts.at(kAttended).flatten(0, 1), index);
  attention.push_back({"dynamic", a});
  if (is_linear()) return gates + seen;
  const auto c = memory.parts.at(kFixed).index_select(0, memory_row);
  return gates + step_context_->forward(combined(c, seen, before), context_weight());
}

std::int64_t Hred::static_calls() const {
  return static_attention_.is_empty() ? 0 : static_attention_->calls;
}
std::int64_t Hred::dynamic_calls() const {
  return dynamic_attention_.is_empty() ? 0 : dynamic_attention_->calls;
}

}  // namespace banter::models
