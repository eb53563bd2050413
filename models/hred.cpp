#include "models/hred.h"

#include <cmath>

#include "models/layers/fused.h"
#include "models/layers/packing.h"
#include "models/layers/row_attention.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

/// Distances that have a vector of their own; turns further away share the last one.
constexpr std::int64_t kDistances = 64;

/// Parts of Hred's Memory, one row a reply.
enum MemoryPart : std::size_t {
  kStart,          ///< (B,H)
  kKeep,           ///< (B,U) bool
  kStaticWeights,  ///< (B,U), or (B,0)
  kFixed,          ///< (B,H), or (B,0) when linear
  kFixedGates,     ///< (B,3H), or (B,0)
  kKeys,           ///< (B,U,K), or (B,0)
  kAttended,       ///< (B,U,3H) values or (B,U,H) turns, or (B,0)
};

torch::Tensor rows_at(const torch::Tensor& rows, const torch::Tensor& index) {
  const auto picked = rows.index_select(0, index.clamp_min(0).flatten());
  return picked.view({index.size(0), index.size(1), rows.size(1)});
}

/// How many kept turns stand behind each one. Shapes   keep (B,U) bool -> (B,U) int64
torch::Tensor distances(const torch::Tensor& keep) {
  return (keep.to(torch::kLong).flip(1).cumsum(1).flip(1) - 1).clamp(0, kDistances - 1);
}

/// Source   Vaswani et al. 2017, arXiv:1706.03762, section 3.5
torch::Tensor sinusoidal(std::int64_t positions, std::int64_t width) {
  const auto at = torch::arange(positions, torch::kDouble).unsqueeze(1);
  const auto pair = torch::arange(0, width, 2, torch::kDouble);
  const auto angle = at * torch::exp(pair * (-std::log(10000.0) / static_cast<double>(width)));
  return torch::stack({angle.sin(), angle.cos()}, 2).flatten(1).narrow(1, 0, width);
}

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
  o.embed_dim = section.get("embed_dim", o.embed_dim);
  o.hidden_dim = section.get("hidden_dim", o.hidden_dim);
  o.dropout = section.get("dropout", o.dropout);
  o.attention = section.choice("attention", o.attention, {"none", "static", "dynamic", "both"});
  o.combine = section.choice("combine", o.combine, {"concat", "sum", "weighted", "max", "mean"});
  o.gate = section.choice("gate", o.gate, {"fixed", "state"});
  o.static_query = section.choice("static_query", o.static_query, {"last", "first"});
  o.context_rnn = section.get("context_rnn", o.attention == "none");
  o.turn_positions =
      section.choice("turn_positions", o.turn_positions, {"none", "learned", "sinusoidal"});
  o.speakers = section.get("speakers", o.speakers);
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
  section.check(o.embed_dim > 0, "embed_dim", "positive");
  section.check(o.hidden_dim > 0, "hidden_dim", "positive");
  section.check(o.dropout >= 0 && o.dropout < 1, "dropout", "in [0, 1)");
  section.check(o.context_rnn || o.attention != "none", "context_rnn",
                "true when attention is none: the decoder would see one turn only");
  return o;
}

Hred::Hred(const HredOptions& o, const Vocabulary& vocabulary)
    : DialogueModel(vocabulary), options(o) {
  const auto H = o.hidden_dim;
  embedding_ = register_module("embedding", TurnEmbedding(vocabulary.size, vocabulary.special.pad,
                                                          o.embed_dim, o.speakers, o.dropout));
  encoder_ = register_module("encoder", Gru(o.embed_dim, H));
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
  start_ = register_module("start", torch::nn::Linear(H, H));
  decoder_ = register_module("decoder", Gru(o.embed_dim + (concat ? 2 * H : H), H));
  dropout_ = register_module("dropout", torch::nn::Dropout(o.dropout));
  output_ = register_module("output", OutputLayer(H, vocabulary.size));
  step_input_ = register_module("step_input", StepLinear());
  step_context_ = register_module("step_context", StepLinear());
  step_gate_ = register_module("step_gate", StepLinear());
}

bool Hred::is_linear() const {
  return options.attention != "both" ||
         !(options.combine == "max" || (options.combine == "weighted" && options.gate == "state"));
}

Hred::InputWeights Hred::input_weights() const {
  const auto H = options.hidden_dim;
  const auto& all = decoder_->weight_ih;
  if (all.size(1) == options.embed_dim + 2 * H) {
    const auto parts = all.split_with_sizes({options.embed_dim, H, H}, 1);
    return {parts[0], parts[1], parts[2]};
  }
  const auto parts = all.split_with_sizes({options.embed_dim, H}, 1);
  return {parts[0], parts[1], parts[1]};
}

// ---- turns ----------------------------------------------------------------------------------

torch::Tensor Hred::turn_vectors(const data::Batch& batch, const torch::Tensor& embedded,
                                 const Packing& packing) {
  expect_like(batch.turn_keep, batch.turn_ids.sizes(), torch::kBool, "turn_keep (M,T)");
  return packing.at_last(encoder_(embedded, packing));  // (M,H)
}

Kept Hred::encode_turns(const data::Batch& batch) {
  const auto packing = make_packing(batch.turn_keep);
  const auto embedded = embedding_->of_turns(packing.pack(batch.turn_ids),
                                             batch.turn_speaker.index_select(0, packing.row));
  return {{{turn_vectors(batch, embedded, packing)}}};
}

Hred::Sources Hred::sources(const torch::Tensor& vectors, const torch::Tensor& context,
                            const torch::Tensor& facts) {
  Sources s;
  s.index = torch::cat({facts, context}, 1);  // (B,U)
  s.turns = vectors;
  const auto keep = s.index.ge(0);
  const auto U = s.index.size(1);
  const auto H = options.hidden_dim;

  if (!context_rnn_.is_empty()) {  // rows of their own: g depends on what stood before
    const auto packing = make_packing(keep);
    const auto gates = torch::addmm(context_rnn_->bias_ih, vectors, context_rnn_->weight_ih.t());
    const auto places = s.index.flatten().index_select(0, packing.place);
    s.turns = gru_recurrence(gates.index_select(0, places), {}, context_rnn_->weight_hh,
                             context_rnn_->bias_hh, packing)
                  .states;  // (P,H)
    s.index = torch::full_like(s.index, -1)
                  .flatten()
                  .index_copy(0, packing.place, torch::arange(packing.places(), s.index.options()))
                  .view_as(s.index);
  }
  if (s.turns.size(0) == 0) s.turns = s.turns.new_zeros({1, H});  // no row; -1 still reads one
  if (options.turn_positions != "none") {
    const auto far = distances(keep).flatten();
    const auto added = positions_.is_empty()
                           ? sinusoidal(kDistances, H).to(vectors.options()).index_select(0, far)
                           : positions_(far);
    s.turns = rows_at(s.turns, s.index).view({-1, H}) + added;  // (B*U,H)
    s.index = torch::arange(s.index.numel(), s.index.options())
                  .view_as(s.index)
                  .masked_fill(keep.logical_not(), -1);
  }

  const auto first = keep.to(torch::kByte).argmax(1, /*keepdim=*/true);
  const auto last = U - 1 - keep.flip(1).to(torch::kByte).argmax(1, /*keepdim=*/true);
  const auto turn_at = [&](const torch::Tensor& place) {  // (B,1) -> (B,H)
    const auto row = s.index.gather(1, place).squeeze(1);
    return s.turns.index_select(0, row.clamp_min(0)).masked_fill(row.lt(0).unsqueeze(1), 0.0);
  };
  const auto h_last = turn_at(last);
  s.start = torch::tanh(start_(h_last));
  if (options.has_static()) {
    const auto query = options.static_query == "last" ? h_last : turn_at(first);
    s.static_weights = static_attention_->weights(query, static_attention_->keys(s.turns), s.index);
    s.fixed = weighted_rows(s.static_weights, s.turns, s.index);
  } else if (options.attention == "none") {
    s.fixed = h_last;
  }
  if (options.has_dynamic()) s.keys = dynamic_attention_->keys(s.turns);
  if (!is_linear()) return s;

  const auto weights = input_weights();
  if (s.fixed.defined()) s.fixed_gates = s.fixed.mm(weights.context.t());
  if (!options.has_dynamic()) return s;
  s.values = s.turns.mm(weights.dynamic.t());
  if (options.attention != "both" || options.combine == "concat" || options.combine == "sum")
    return s;
  const auto share =
      options.combine == "mean" ? torch::full({}, 0.5, s.values.options()) : torch::sigmoid(share_);
  s.fixed_gates = s.fixed_gates * share;
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
  const auto index = sources.index.index_select(0, labels.order);
  const auto context = input_weights().context;
  std::vector<torch::Tensor> states, weights;
  for (std::size_t t = 0; t < labels.counts.size(); ++t) {
    const auto n = labels.counts[t];
    const auto before = s.narrow(0, 0, n);
    const auto rows = index.narrow(0, 0, n);
    const auto a = dynamic_attention_->weights(before, sources.keys, rows);
    const auto c_hat = combined(c.narrow(0, 0, n), weighted_rows(a, sources.turns, rows), before);
    s = decoder_->step(gates.narrow(0, labels.offsets[t], n) + c_hat.mm(context.t()), before);
    states.push_back(s);
    weights.push_back(a.detach());
  }
  return {torch::cat(states), torch::cat(weights)};
}

RecurrentStates Hred::decode(const Sources& sources, const torch::Tensor& inputs,
                             const Packing& labels) {
  auto gates = torch::addmm(decoder_->bias_ih, inputs, input_weights().embedding.t());  // (P,3H)
  if (!is_linear()) return decode_by_step(sources, gates, labels);
  if (sources.fixed_gates.defined())
    gates = gates + sources.fixed_gates.index_select(0, labels.row);
  if (!options.has_dynamic())
    return gru_recurrence(gates, sources.start, decoder_->weight_hh, decoder_->bias_hh, labels);
  return gru_recurrence(gates, sources.start, decoder_->weight_hh, decoder_->bias_hh, labels,
                        RecurrentAttention{dynamic_attention_->query_weight, dynamic_attention_->v,
                                           sources.keys, sources.values, sources.index});
}

std::vector<LossSum> Hred::losses(const data::Batch& batch) {
  const auto turns = make_packing(batch.turn_keep);
  const auto labels = make_packing(batch.labels.ge(0));
  const auto [turn_inputs, reply_inputs] =
      embedding_->of_both(turns.pack(batch.turn_ids), batch.turn_speaker.index_select(0, turns.row),
                          labels.pack(batch.decoder_input));
  const auto memory = sources(turn_vectors(batch, turn_inputs, turns), batch.context, batch.facts);
  const auto states = dropout_(decode(memory, reply_inputs, labels).states);
  return {{"nll", output_->nll_sum(states, labels.pack(batch.labels)), labels.places()}};
}

Score Hred::score(const data::Batch& batch, bool with_attention) {
  const auto labels = make_packing(batch.labels.ge(0));
  const auto kept = encode_turns(batch);
  const auto memory = sources(kept.parts[0], batch.context, batch.facts);
  const auto decoded = decode(memory, embedding_(labels.pack(batch.decoder_input)), labels);
  const auto fit = output_->fit(dropout_(decoded.states), labels.pack(batch.labels));
  Score score{-labels.unpack(fit.nll), labels.unpack(fit.correct), {}};
  if (!with_attention) return score;
  const auto kept_labels = batch.labels.ge(0).unsqueeze(2);  // (B,S,1)
  if (options.has_static()) {
    const auto S = batch.labels.size(1);
    score.attention.push_back(
        {"static", memory.static_weights.unsqueeze(1).expand({-1, S, -1}) * kept_labels});
  }
  if (options.has_dynamic()) score.attention.push_back({"dynamic", labels.unpack(decoded.weights)});
  return score;
}

// ---- decoding ---------------------------------------------------------------------------------

Memory Hred::compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                     const torch::Tensor& /*reply_speaker*/) {
  const auto s = sources(kept.parts.at(0), context, facts);
  const auto none = s.start.new_empty({s.start.size(0), 0});
  const auto or_none = [&](const torch::Tensor& x) { return x.defined() ? x : none; };
  Memory memory;
  memory.parts.resize(kAttended + 1, none);
  memory.parts[kStart] = s.start;
  memory.parts[kKeep] = s.index.ge(0);
  memory.parts[kStaticWeights] = or_none(s.static_weights);
  if (!is_linear()) memory.parts[kFixed] = s.fixed;  // else it is in the gates
  memory.parts[kFixedGates] = or_none(s.fixed_gates);
  if (options.has_dynamic()) {
    memory.parts[kKeys] = rows_at(s.keys, s.index);
    memory.parts[kAttended] = rows_at(is_linear() ? s.values : s.turns, s.index);
  }
  return memory;
}

State Hred::start(std::int64_t /*pass*/, const Memory& memory, const torch::Tensor& memory_row) {
  return {memory_row, Rows{{memory.parts.at(kStart).index_select(0, memory_row)}}};
}

StepOutput Hred::step(const torch::Tensor& ids, const Memory& memory, const State& state) {
  const auto& before = state.rows.parts.at(0);  // (N,H)
  const auto& row = state.memory_row;
  const auto weights = input_weights();
  auto gates = step_input_->forward(embedding_(ids), weights.embedding, decoder_->bias_ih);
  StepOutput out;
  if (options.has_static())
    out.attention.push_back({"static", memory.parts.at(kStaticWeights).index_select(0, row)});
  if (memory.parts.at(kFixedGates).size(1) > 0)
    gates = gates + memory.parts[kFixedGates].index_select(0, row);
  if (options.has_dynamic()) {
    const auto keep = memory.parts.at(kKeep).index_select(0, row);  // (N,U)
    const auto U = keep.size(1);
    const auto index = (row.unsqueeze(1) * U + torch::arange(U, row.options()))
                           .masked_fill(keep.logical_not(), -1);
    const auto a = dynamic_attention_->weights(before, memory.parts[kKeys].flatten(0, 1), index);
    const auto seen = weighted_rows(a, memory.parts[kAttended].flatten(0, 1), index);
    if (is_linear()) {
      gates = gates + seen;
    } else {
      const auto c = memory.parts[kFixed].index_select(0, row);
      gates = gates + step_context_->forward(combined(c, seen, before), weights.context);
    }
    out.attention.push_back({"dynamic", a});
  }
  const auto next = decoder_->step(gates, before);
  out.logits = output_->logits(dropout_(next));
  out.state = {row, Rows{{next}}};
  return out;
}

std::int64_t Hred::static_calls() const {
  return static_attention_.is_empty() ? 0 : static_attention_->calls;
}
std::int64_t Hred::dynamic_calls() const {
  return dynamic_attention_.is_empty() ? 0 : dynamic_attention_->calls;
}

}  // namespace banter::models
