#include "models/hred.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "models/layers/fused.h"
#include "models/layers/packing.h"

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
  o.word_attention = section.get("word_attention", o.word_attention);
  o.turn_positions =
      section.choice("turn_positions", o.turn_positions, {"none", "learned", "sinusoidal"});
  const HredOptions defaults;
  section.check(o.combine == defaults.combine || o.attention == "both", "combine",
                "left out unless attention is both: there is nothing to combine");
  section.check(o.gate == defaults.gate || o.combine == "weighted", "gate",
                "left out unless combine is weighted: there is no gate");
  section.check(o.static_query == defaults.static_query || o.has_static(), "static_query",
                "left out unless attention is static or both");
  section.check(!o.word_attention || o.attention != "none", "word_attention",
                "false unless there is attention");
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
  if (o.word_attention && o.has_static())
    static_words_ = register_module("static_words", AdditiveAttention(H, H, H));
  if (o.word_attention && o.has_dynamic())
    dynamic_words_ = register_module("dynamic_words", AdditiveAttention(H, H, H));
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
  step_keys_ = register_module("step_keys", StepLinear());
}

bool Hred::is_linear() const {
  return options.attention != "both" ||
         !(options.combine == "max" || (options.combine == "weighted" && options.gate == "state"));
}

std::optional<torch::Tensor> Hred::fixed_share() const {
  if (options.attention != "both") return std::nullopt;
  if (options.combine == "mean") return start_->bias.detach().new_full({}, 0.5);
  if (options.combine == "weighted" && options.gate == "fixed") return torch::sigmoid(share_);
  return std::nullopt;
}

torch::Tensor Hred::dynamic_weight() const {
  const auto all = context_weight();
  return all.slice(1, all.size(1) - options.hidden_dim);
}

// ---- turns ----------------------------------------------------------------------------------

ContextRows Hred::with_positions(const ContextRows& turns) {
  if (options.turn_positions == "none") return turns;
  const auto keep = turns.keep();
  const auto far = distances(keep).flatten();
  const auto added =
      positions_.is_empty()
          ? sinusoidal(kDistances, options.hidden_dim).to(turns.rows.options()).index_select(0, far)
          : positions_(far);
  return ContextRows::own(rows_at(turns.rows, turns.index).flatten(0, 1) + added, keep);
}

/// g_i of them when there is a context RNN, and the vectors of their distances.
ContextRows Hred::read_turns(const ContextRows& turns) {
  return with_positions(context_rnn_.is_empty() ? turns : run_over(*context_rnn_, turns));
}

Hred::Sources Hred::sources(const EncodedTurns& encoded, const torch::Tensor& context,
                            const torch::Tensor& facts) {
  const auto own = ContextRows::of(encoded.vectors, facts, context);
  const auto tokens_of = [&](AdditiveAttention& attention, const torch::Tensor& values) {
    const auto index = encoded.index.index_select(0, own.index.clamp_min(0).flatten())
                           .masked_fill(own.index.lt(0).view({-1, 1}), -1);
    return TokenRows{values, attention->keys(encoded.states),
                     index.view({own.index.size(0), own.index.size(1), -1})};
  };
  Sources s;
  s.turns = options.word_attention ? own : read_turns(own);
  const auto last = s.turns.last();
  s.start = torch::tanh(start_(last));
  torch::Tensor c;
  if (options.has_static()) {
    const auto query = options.static_query == "last" ? last : s.turns.first();
    auto attended = s.turns;
    if (options.word_attention) {
      const auto words = tokens_of(static_words_, encoded.states);
      const auto seen = attended_words(*static_words_, query, words);
      attended = read_turns(ContextRows::own(seen.vectors, own.keep()));
      s.static_words = seen.weights;
      s.static_index = words.index;
    }
    const auto keys = static_attention_->keys(attended.rows);
    const auto seen = static_attention_->look(query, keys, attended.rows, attended.index);
    s.static_weights = seen.weights;
    c = seen.vectors;
  } else if (options.attention == "none") {
    c = last;
  }
  // Side by side where both are read, else the same; by one split, for each `narrow` would make a
  // gradient as wide as the whole on the way back.
  const auto weights = context_weight().split(options.hidden_dim, 1);
  if (c.defined() && is_linear()) {
    s.gates = c.mm(weights.front().t());
    if (const auto share = fixed_share()) s.gates = s.gates * *share;
  } else {
    s.fixed = c;
  }
  if (looks_at_words()) {
    // The context RNN reads the words through its input gates alone.
    const auto values =
        context_rnn_.is_empty() ? encoded.states : encoded.states.mm(context_rnn_->weight_ih.t());
    s.words = tokens_of(dynamic_words_, values);
  } else if (options.has_dynamic()) {
    s.keys = dynamic_attention_->keys(s.turns.rows);
    if (is_linear()) s.values = s.turns.rows.mm(weights.back().t());
    if (const auto share = fixed_share()) s.values = s.values * (1 - *share);
  }
  return s;
}

// ---- a token ----------------------------------------------------------------------------------

Hred::Seen Hred::look(const torch::Tensor& query, const torch::Tensor& keys,
                      const ContextRows& turns) {
  const auto [weights, vectors] = dynamic_attention_->look(query, keys, turns.rows, turns.index);
  return {vectors, weights, {}};
}

/// Rows are made at each token, so every product is one that company does not change.
Hred::Seen Hred::look_at_words(const torch::Tensor& query, const TokenRows& words,
                               const torch::Tensor& keep) {
  const auto attended = attended_words(*dynamic_words_, query, words);
  auto turns = ContextRows::own(attended.vectors, keep);  // (N*U,D)
  if (!context_rnn_.is_empty()) {
    const auto gates = (turns.rows + context_rnn_->bias_ih).view({keep.size(0), keep.size(1), -1});
    auto g = torch::zeros_like(query);
    std::vector<torch::Tensor> all;
    for (std::int64_t u = 0; u < keep.size(1); ++u) {
      const auto next = context_rnn_->step(gates.select(1, u), g);
      g = torch::where(keep.narrow(1, u, 1), next, g);
      all.push_back(g);
    }
    turns.rows = torch::stack(all, 1).flatten(0, 1);
  }
  turns = with_positions(turns);
  auto seen =
      look(query, step_keys_->forward(turns.rows, dynamic_attention_->memory_weight), turns);
  seen.words = attended.weights;
  return seen;
}

torch::Tensor Hred::combined(const torch::Tensor& c, const torch::Tensor& c_t,
                             const torch::Tensor& s) {
  if (options.combine == "max") return torch::maximum(c, c_t);
  const auto share =
      sigmoid_of_rows(step_gate_->forward(torch::cat({c, c_t, s}, 1), gate_->weight));  // (N,1)
  return share * c + (1 - share) * c_t;
}

torch::Tensor Hred::gates_of(const torch::Tensor& c, const torch::Tensor& c_t,
                             const torch::Tensor& s) {
  if (!is_linear()) return step_context_->forward(combined(c, c_t, s), context_weight());
  const auto gates = step_context_->forward(c_t, dynamic_weight());
  const auto share = fixed_share();
  return share ? gates * (1 - *share) : gates;
}

// ---- teacher forcing --------------------------------------------------------------------------

RecurrentStates Hred::decode_by_step(const Sources& sources, const torch::Tensor& gates,
                                     const Packing& labels) {
  const auto index = sources.turns.index.index_select(0, labels.order);
  const auto c = is_linear() ? torch::Tensor() : sources.fixed.index_select(0, labels.order);
  const auto words = looks_at_words() ? sources.words.of(labels.order) : TokenRows{};
  return decoder_->run(gates, sources.start, labels, [&](const torch::Tensor& before) {
    const auto n = before.size(0);
    const auto rows = index.narrow(0, 0, n);
    const auto seen =
        looks_at_words()
            ? look_at_words(before, {words.values, words.keys, words.index.narrow(0, 0, n)},
                            rows.ge(0))
            : look(before, sources.keys, {rows, sources.turns.rows});
    return std::pair(gates_of(c.defined() ? c.narrow(0, 0, n) : c, seen.vector, before),
                     seen.weights);
  });
}

WordAttention Hred::attention_of(const Sources& sources) const {
  const auto share = fixed_share();
  WordAttention attention{
      .word_query_weight = dynamic_words_->query_weight,
      .word_v = dynamic_words_->v,
      .word_keys = sources.words.keys,
      .word_values = sources.words.values,
      .words = sources.words.index,
      .keep = sources.turns.keep(),
      .rnn_bias_ih = {},
      .rnn_weight_hh = {},
      .rnn_bias_hh = {},
      .turn_weight = dynamic_attention_->memory_weight,
      .turn_query_weight = dynamic_attention_->query_weight,
      .turn_v = dynamic_attention_->v,
      .context_weight = share ? dynamic_weight() * (1 - *share) : dynamic_weight()};
  if (!context_rnn_.is_empty()) {
    attention.rnn_bias_ih = context_rnn_->bias_ih;
    attention.rnn_weight_hh = context_rnn_->weight_hh;
    attention.rnn_bias_hh = context_rnn_->bias_hh;
  }
  return attention;
}

RecurrentStates Hred::run_decoder(const Sources& sources, const torch::Tensor& gates,
                                  const Packing& labels) {
  if (!options.has_dynamic()) return TurnModel::run_decoder(sources, gates, labels);
  if (looks_at_words() && is_linear() && decoder_->is_single() && options.turn_positions == "none")
    return word_recurrence(gates, sources.start, decoder_->weight_hh, decoder_->bias_hh, labels,
                           attention_of(sources));
  if (!is_linear() || looks_at_words() || !decoder_->is_single())
    return decode_by_step(sources, gates, labels);
  return gru_recurrence(gates, sources.start, decoder_->weight_hh, decoder_->bias_hh, labels,
                        RecurrentAttention{dynamic_attention_->query_weight, dynamic_attention_->v,
                                           sources.keys, sources.values, sources.turns.index});
}

// ---- decoding ---------------------------------------------------------------------------------

Memory Hred::memory_of(const Sources& sources) const {
  auto memory = TurnModel::memory_of(sources);
  if (!options.has_dynamic()) return memory;
  const auto& [index, turns] = sources.turns;
  const auto fixed =
      sources.fixed.defined() ? sources.fixed : sources.start.new_empty({index.size(0), 0});
  memory.parts.push_back(index.ge(0));
  if (looks_at_words()) {
    const auto tokens = JoinedTokens::of(sources.words);
    for (const auto& part : {tokens.keys, tokens.values, fixed, tokens.begin, tokens.length})
      memory.parts.push_back(part);
  } else {
    memory.parts.push_back(rows_at(sources.keys, index));
    memory.parts.push_back(rows_at(is_linear() ? sources.values : turns, index));
    memory.parts.push_back(fixed);
  }
  return memory;
}

Memory Hred::select_memory(const Memory& memory, const torch::Tensor& index) const {
  if (!looks_at_words()) return TurnModel::select_memory(memory, index);
  const auto lengths = memory.parts.at(kLength).index_select(0, index);
  const auto J = std::max<std::int64_t>(1, lengths.sum(1).max().item<std::int64_t>());
  Memory narrow = memory;
  for (const auto part : {kKeys, kAttended})
    narrow.parts.at(part) = memory.parts.at(part).narrow(1, 0, J);
  if (auto& tokens = narrow.parts.at(kStaticTokens); tokens.size(1) > J)
    tokens = tokens.narrow(1, 0, J);
  return {narrow.select(index)};
}

torch::Tensor Hred::gates_of_step(const torch::Tensor& gates, const Memory& memory,
                                  const State& state, std::vector<Attention>& attention) {
  if (!options.has_dynamic()) return gates;
  const auto before = decoder_->top(state.rows.parts.at(0));  // (N,H)
  const auto& row = state.memory_row;
  const auto& keep = memory.parts.at(kKeep);  // (B,U)
  const auto &keys = memory.parts.at(kKeys), &attended = memory.parts.at(kAttended);
  Seen seen;
  std::function<torch::Tensor()> of_tokens;
  if (looks_at_words()) {
    const JoinedTokens tokens{attended, keys, memory.parts.at(kBegin), memory.parts.at(kLength)};
    const auto words = tokens.rows_of(row);
    seen = look_at_words(before, words, keep.index_select(0, row));
    of_tokens = [turns = seen.weights, within = seen.words, index = words.index] {
      return token_weights(turns, within, index);
    };
  } else {
    seen = look(before, keys.flatten(0, 1), ContextRows::of_memory(attended, keep, row));
  }
  attention.push_back({"dynamic", seen.weights, std::move(of_tokens)});
  if (is_linear() && !looks_at_words()) return gates + seen.vector;
  return gates + gates_of(memory.parts.at(kFixed).index_select(0, row), seen.vector, before);
}

std::int64_t Hred::static_calls() const {
  return static_attention_.is_empty() ? 0 : static_attention_->calls;
}
std::int64_t Hred::dynamic_calls() const {
  return dynamic_attention_.is_empty() ? 0 : dynamic_attention_->calls;
}

}  // namespace banter::models
