#include "models/layers/word_recurrence.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "models/layers/fused.h"
#include "models/layers/products.h"
#include "models/layers/row_attention.h"
#include "models/layers/shapes.h"

namespace banter::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// The kept turns of all rows, row after row in packed order, so that those of the rows that are
/// still running stand in front; and the steps of the packing.
struct TurnPlaces : torch::CustomClassHolder {
  std::vector<std::int64_t> counts, offsets;           ///< of the packing
  std::vector<std::int64_t> first;                     ///< (N+1): place of each row's first turn
  std::vector<std::vector<std::int64_t>> by_position;  ///< of the rows' first turns, second, ...
  torch::Tensor row;                                   ///< (Q) int64: packed row of each place
  torch::Tensor turns;                                 ///< (N,U) int64 places, -1 = none
  torch::Tensor words;                                 ///< (Q,T) int64 rows of the words

  TurnPlaces(const WordAttention& attention, const Packing& packing)
      : counts(packing.counts), offsets(packing.offsets) {
    const auto keep = attention.keep.index_select(0, packing.order).contiguous();  // (N,U)
    const auto N = keep.size(0), U = keep.size(1);
    turns = torch::full({N, U}, -1, torch::kLong);
    std::vector<std::int64_t> rows, turn;  // of each place: n, n * U + u
    for (std::int64_t n = 0; n < N; ++n) {
      first.push_back(std::ssize(rows));
      std::size_t position = 0;
      for (std::int64_t u = 0; u < U; ++u) {
        if (!keep.const_data_ptr<bool>()[n * U + u]) continue;
        if (by_position.size() == position) by_position.emplace_back();
        by_position[position++].push_back(std::ssize(rows));
        turns.data_ptr<std::int64_t>()[n * U + u] = std::ssize(rows);
        rows.push_back(n);
        turn.push_back(n * U + u);
      }
    }
    first.push_back(std::ssize(rows));
    row = torch::tensor(rows, torch::kLong);
    words = attention.words.index_select(0, packing.order)
                .flatten(0, 1)
                .index_select(0, torch::tensor(turn, torch::kLong))
                .contiguous();
  }

  /// How many places of `position` are among the first `q`.
  [[nodiscard]] std::int64_t count(std::size_t position, std::int64_t q) const {
    const auto& places = by_position[position];
    return std::ranges::lower_bound(places, q) - places.begin();
  }
};

/// The tensors that gradients are made for, in the order of the Function's inputs.
struct Parameters {
  torch::Tensor gates, start, weight_hh, bias_hh;
  torch::Tensor word_query_weight, word_v, word_keys, word_values;
  torch::Tensor rnn_bias_ih, rnn_weight_hh, rnn_bias_hh;  ///< (0) without an RNN
  torch::Tensor turn_weight, turn_query_weight, turn_v, context_weight;

  /// Calls `use` with each of them.
  template <typename Self, typename Use>
  static void each(Self& self, const Use& use) {
    for (auto* tensor :
         {&self.gates, &self.start, &self.weight_hh, &self.bias_hh, &self.word_query_weight,
          &self.word_v, &self.word_keys, &self.word_values, &self.rnn_bias_ih, &self.rnn_weight_hh,
          &self.rnn_bias_hh, &self.turn_weight, &self.turn_query_weight, &self.turn_v,
          &self.context_weight})
      use(*tensor);
  }
  [[nodiscard]] bool has_rnn() const { return rnn_weight_hh.numel() > 0; }
};

/// What the way back needs of the way forth.
struct Trace {
  torch::Tensor states, state_gates;         ///< (P,H), (P,4H)
  torch::Tensor word_queries, turn_queries;  ///< (P,K)
  torch::Tensor turn_weights, seen;          ///< (P,U), (P,H): a and c
  struct Step {
    torch::Tensor word_weights;  ///< (q,T)
    torch::Tensor rnn_gates;     ///< (q,4H), or (0)
    torch::Tensor turns, keys;   ///< (q,H), (q,K): g and W g
  };
  std::vector<Step> steps;

  template <typename Self, typename Use>
  static void each(Self& self, const Use& use) {
    for (auto* tensor : {&self.states, &self.state_gates, &self.word_queries, &self.turn_queries,
                         &self.turn_weights, &self.seen})
      use(*tensor);
    for (auto& step : self.steps)
      for (auto* tensor : {&step.word_weights, &step.rnn_gates, &step.turns, &step.keys})
        use(*tensor);
  }
};

template <typename T>
T* at_row(const torch::Tensor& rows, std::int64_t row) {
  return rows.data_ptr<T>() + row * rows.size(1);
}

/// The steps of the recurrence and their way back. T is the tensors' type.
template <typename T>
class WordLoop {
 public:
  WordLoop(const Parameters& in, const TurnPlaces& places, Trace& trace)
      : in_(in),
        places_(places),
        trace_(trace),
        hidden_dim_(in.weight_hh.size(1)),
        key_dim_(in.word_v.size(0)) {}

  void forth(bool saves);
  /// The gradients, those of `gates` to the context weight in order.
  Parameters back(const torch::Tensor& d_states);

 private:
  /// Where step t stands: its rows, the packed place of the first, and their turns.
  struct At {
    std::size_t t = 0;
    std::int64_t n = 0, at = 0, q = 0;
    [[nodiscard]] torch::Tensor of(const torch::Tensor& packed) const {
      return packed.narrow(0, at, n);
    }
  };
  [[nodiscard]] At at(std::size_t t) const {
    const auto n = places_.counts[t];
    return {t, n, places_.offsets[t], places_.first[static_cast<std::size_t>(n)]};
  }
  [[nodiscard]] torch::Tensor before(const At& step) const {
    return step.t == 0 ? in_.start.narrow(0, 0, step.n)
                       : trace_.states.narrow(0, places_.offsets[step.t - 1], step.n);
  }
  /// Each turn's copy of its row's query. Shapes   returns (q,K)
  [[nodiscard]] torch::Tensor asked(const At& step) const {
    return step.of(trace_.word_queries).index_select(0, places_.row.narrow(0, 0, step.q));
  }
  /// g before each of the first m turns at `position` > 0. Shapes   returns (m,H)
  [[nodiscard]] torch::Tensor turns_before(const torch::Tensor& turns, std::size_t position,
                                           std::int64_t m) const {
    const auto before = turns.new_empty({m, hidden_dim_});
    for (std::int64_t i = 0; i < m; ++i)
      std::copy_n(at_row<T>(turns, place(position, i) - 1), hidden_dim_, at_row<T>(before, i));
    return before;
  }
  [[nodiscard]] std::int64_t place(std::size_t position, std::int64_t i) const {
    return places_.by_position[position][static_cast<std::size_t>(i)];
  }

  torch::Tensor look_at_words(const At& step, Trace::Step& kept);
  torch::Tensor run_over_turns(const At& step, const torch::Tensor& gates, Trace::Step& kept);
  torch::Tensor look_at_turns(const At& step, Trace::Step& kept);

  torch::Tensor back_from_turns(const At& step, const torch::Tensor& d_seen);
  torch::Tensor back_over_turns(const At& step, const torch::Tensor& d_turns);
  void back_from_words(const At& step, const torch::Tensor& d_read);

  const Parameters& in_;
  const TurnPlaces& places_;
  Trace& trace_;
  const std::int64_t hidden_dim_, key_dim_;
  const Kernels<T>& k_ = kernels<T>();
  Parameters d_;                                   ///< on the way back
  torch::Tensor d_word_queries_, d_turn_queries_;  ///< (P,K), likewise
};

// ---- forth ------------------------------------------------------------------------------------

template <typename T>
torch::Tensor WordLoop<T>::look_at_words(const At& step, Trace::Step& kept) {
  const auto queries = asked(step);
  const auto D = in_.word_values.size(1);
  kept.word_weights = queries.new_zeros({step.q, places_.words.size(1)});
  const auto read =
      in_.has_rnn() ? in_.rnn_bias_ih.repeat({step.q, 1}) : queries.new_zeros({step.q, D});
  split(step.q, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    auto* b = kept.word_weights.template data_ptr<T>();
    k_.additive_weights(begin, end, key_dim_, queries.template const_data_ptr<T>(),
                        in_.word_keys.const_data_ptr<T>(), row_index(places_.words),
                        in_.word_v.const_data_ptr<T>(), b);
    k_.add_weighted_rows(begin, end, D, b, in_.word_values.const_data_ptr<T>(),
                         row_index(places_.words), read.template data_ptr<T>());
  });
  return read;
}

template <typename T>
torch::Tensor WordLoop<T>::run_over_turns(const At& step, const torch::Tensor& gates,
                                          Trace::Step& kept) {
  const auto turns = gates.new_empty({step.q, hidden_dim_});
  kept.rnn_gates = gates.new_empty({step.q, 4 * hidden_dim_});
  for (std::size_t position = 0; position < places_.by_position.size(); ++position) {
    const auto m = places_.count(position, step.q);
    if (m == 0) break;
    const auto before =
        position == 0 ? gates.new_zeros({m, hidden_dim_}) : turns_before(turns, position, m);
    const auto hidden_gates = position == 0
                                  ? in_.rnn_bias_hh.expand({m, 3 * hidden_dim_}).contiguous()
                                  : torch::addmm(in_.rnn_bias_hh, before, in_.rnn_weight_hh.t());
    split(m, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) {
        const auto to = place(position, i);
        k_.gru_forward(1, hidden_dim_, at_row<T>(gates, to), at_row<T>(hidden_gates, i),
                       at_row<T>(before, i), at_row<T>(turns, to), at_row<T>(kept.rnn_gates, to));
      }
    });
  }
  return turns;
}

/// c. Shapes   returns (n,H)
template <typename T>
torch::Tensor WordLoop<T>::look_at_turns(const At& step, Trace::Step& kept) {
  kept.keys = kept.turns.mm(in_.turn_weight.t());
  const auto seen = step.of(trace_.seen).zero_();
  split(step.n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    auto* a = at_row<T>(trace_.turn_weights, step.at);
    k_.additive_weights(begin, end, key_dim_, at_row<T>(trace_.turn_queries, step.at),
                        kept.keys.template const_data_ptr<T>(), row_index(places_.turns),
                        in_.turn_v.const_data_ptr<T>(), a);
    k_.add_weighted_rows(begin, end, hidden_dim_, a, kept.turns.template const_data_ptr<T>(),
                         row_index(places_.turns), seen.template data_ptr<T>());
  });
  return seen;
}

template <typename T>
void WordLoop<T>::forth(bool saves) {
  const auto P = in_.gates.size(0), U = places_.turns.size(1);
  trace_.states = in_.gates.new_empty({P, hidden_dim_});
  trace_.state_gates = in_.gates.new_empty({P, 4 * hidden_dim_});
  trace_.word_queries = in_.gates.new_empty({P, key_dim_});
  trace_.turn_queries = in_.gates.new_empty({P, key_dim_});
  trace_.turn_weights = in_.gates.new_zeros({P, U});
  trace_.seen = in_.gates.new_empty({P, hidden_dim_});
  for (std::size_t t = 0; t < places_.counts.size(); ++t) {
    const auto step = at(t);
    const auto old = before(step);
    auto word_query = step.of(trace_.word_queries), turn_query = step.of(trace_.turn_queries);
    at::mm_out(word_query, old, in_.word_query_weight.t());
    at::mm_out(turn_query, old, in_.turn_query_weight.t());
    Trace::Step kept{
        .word_weights = {}, .rnn_gates = in_.gates.new_empty({0}), .turns = {}, .keys = {}};
    const auto read = look_at_words(step, kept);
    kept.turns = in_.has_rnn() ? run_over_turns(step, read, kept) : read;
    const auto seen = look_at_turns(step, kept);
    const auto gates = torch::addmm(step.of(in_.gates), seen, in_.context_weight.t());
    const auto hidden_gates = torch::addmm(in_.bias_hh, old, in_.weight_hh.t());
    split(step.n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      k_.gru_forward(end - begin, hidden_dim_, at_row<T>(gates, begin),
                     at_row<T>(hidden_gates, begin), at_row<T>(old, begin),
                     at_row<T>(trace_.states, step.at + begin),
                     at_row<T>(trace_.state_gates, step.at + begin));
    });
    if (saves) trace_.steps.push_back(std::move(kept));
  }
}

// ---- back -------------------------------------------------------------------------------------

/// From c to g. Shapes   d_seen (n,H) -> (q,H)
template <typename T>
torch::Tensor WordLoop<T>::back_from_turns(const At& step, const torch::Tensor& d_seen) {
  const auto &turns = trace_.steps[step.t].turns, &keys = trace_.steps[step.t].keys;
  const auto index = row_index(places_.turns);
  const auto* a = at_row<T>(trace_.turn_weights, step.at);
  const auto d_weights = d_seen.new_zeros({step.n, index.width});
  const auto d_scores = torch::empty_like(d_weights);
  split(step.n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    k_.weighted_rows_d_weights(begin, end, hidden_dim_, d_seen.const_data_ptr<T>(),
                               turns.template const_data_ptr<T>(), index,
                               d_weights.template data_ptr<T>());
    k_.softmax_backward(begin, end, index.width, a, d_weights.template const_data_ptr<T>(),
                        d_scores.template data_ptr<T>());
  });
  const auto d_turns = torch::zeros_like(turns), d_keys = torch::zeros_like(keys);
  split(hidden_dim_, kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
    k_.weighted_rows_d_values(begin, end, step.n, hidden_dim_, a, d_seen.const_data_ptr<T>(), index,
                              d_turns.template data_ptr<T>());
  });
  split(key_dim_, kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
    k_.additive_backward(begin, end, step.n, key_dim_, at_row<T>(trace_.turn_queries, step.at),
                         keys.template const_data_ptr<T>(), index, in_.turn_v.const_data_ptr<T>(),
                         d_scores.template const_data_ptr<T>(), at_row<T>(d_turn_queries_, step.at),
                         d_keys.template data_ptr<T>(), d_.turn_v.template data_ptr<T>());
  });
  d_turns.addmm_(d_keys, in_.turn_weight);
  d_.turn_weight.addmm_(d_keys.t(), turns);
  return d_turns;
}

/// From g to the RNN's input gates. Shapes   d_turns (q,H), changed -> (q,3H)
template <typename T>
torch::Tensor WordLoop<T>::back_over_turns(const At& step, const torch::Tensor& d_turns) {
  const auto &turns = trace_.steps[step.t].turns, &rnn_gates = trace_.steps[step.t].rnn_gates;
  const auto first = step.q == 0 ? 0 : places_.count(0, step.q);
  const auto d_gates = d_turns.new_empty({step.q, 3 * hidden_dim_});
  const auto d_hidden = d_turns.new_empty({step.q, 3 * hidden_dim_});  // position after position
  const auto befores = d_turns.new_zeros({step.q, hidden_dim_});       // likewise
  auto begin_of_block = step.q;
  for (auto position = places_.by_position.size(); position-- > 0;) {
    const auto m = places_.count(position, step.q);
    if (m == 0) continue;
    begin_of_block -= m;
    auto before = befores.narrow(0, begin_of_block, m);
    if (position > 0) before.copy_(turns_before(turns, position, m));
    const auto d_block = d_hidden.narrow(0, begin_of_block, m);
    auto d_before = d_turns.new_empty({m, hidden_dim_});
    split(m, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) {
        const auto to = place(position, i);
        k_.gru_backward(1, hidden_dim_, at_row<T>(d_turns, to), at_row<T>(rnn_gates, to),
                        at_row<T>(before, i), at_row<T>(d_gates, to), at_row<T>(d_block, i),
                        at_row<T>(d_before, i));
      }
    });
    if (position == 0) break;
    d_before.addmm_(d_block, in_.rnn_weight_hh);
    for (std::int64_t i = 0; i < m; ++i) {
      auto* to = at_row<T>(d_turns, place(position, i) - 1);
      const auto* from = at_row<T>(d_before, i);
      std::transform(from, from + hidden_dim_, to, to, std::plus{});
    }
  }
  d_.rnn_bias_ih.add_(d_gates.sum(0));
  d_.rnn_bias_hh.add_(d_hidden.sum(0));
  const auto later = step.q - first;  // what comes first has no state before it
  d_.rnn_weight_hh.addmm_(d_hidden.narrow(0, first, later).t(), befores.narrow(0, first, later));
  return d_gates;
}

/// From what was read of the words to them. Shapes   d_read (q,D)
template <typename T>
void WordLoop<T>::back_from_words(const At& step, const torch::Tensor& d_read) {
  const auto& b = trace_.steps[step.t].word_weights;
  const auto index = row_index(places_.words);
  const auto D = in_.word_values.size(1);
  const auto queries = asked(step);
  const auto d_weights = torch::zeros_like(b), d_scores = torch::empty_like(b);
  split(step.q, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    k_.weighted_rows_d_weights(begin, end, D, d_read.const_data_ptr<T>(),
                               in_.word_values.const_data_ptr<T>(), index,
                               d_weights.template data_ptr<T>());
    k_.softmax_backward(begin, end, index.width, b.template const_data_ptr<T>(),
                        d_weights.template const_data_ptr<T>(), d_scores.template data_ptr<T>());
  });
  split(D, kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
    k_.weighted_rows_d_values(begin, end, step.q, D, b.template const_data_ptr<T>(),
                              d_read.const_data_ptr<T>(), index,
                              d_.word_values.template data_ptr<T>());
  });
  const auto d_asked = torch::empty_like(queries);
  split(key_dim_, kColumnGrain, [&](std::int64_t begin, std::int64_t end) {
    k_.additive_backward(begin, end, step.q, key_dim_, queries.template const_data_ptr<T>(),
                         in_.word_keys.const_data_ptr<T>(), index, in_.word_v.const_data_ptr<T>(),
                         d_scores.template const_data_ptr<T>(), d_asked.template data_ptr<T>(),
                         d_.word_keys.template data_ptr<T>(), d_.word_v.template data_ptr<T>());
  });
  step.of(d_word_queries_).zero_().index_add_(0, places_.row.narrow(0, 0, step.q), d_asked);
}

template <typename T>
Parameters WordLoop<T>::back(const torch::Tensor& d_states) {
  d_ = in_;
  Parameters::each(d_, [](torch::Tensor& tensor) { tensor = torch::zeros_like(tensor); });
  d_word_queries_ = torch::empty_like(trace_.word_queries);
  d_turn_queries_ = torch::empty_like(trace_.turn_queries);
  const auto d_hidden_gates = torch::empty_like(d_.gates);  // (P,3H)
  const auto befores = torch::empty_like(trace_.states);
  const auto direct = torch::empty_like(d_.start);
  for (auto t = places_.counts.size(); t-- > 0;) {
    const auto step = at(t);
    const auto old = step.of(befores).copy_(before(step));
    auto d = d_.start.narrow(0, 0, step.n);
    d.add_(step.of(d_states));
    split(step.n, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      const auto row = step.at + begin;
      k_.gru_backward(end - begin, hidden_dim_, at_row<T>(d, begin),
                      at_row<T>(trace_.state_gates, row), at_row<T>(old, begin),
                      at_row<T>(d_.gates, row), at_row<T>(d_hidden_gates, row),
                      at_row<T>(direct, begin));
    });
    at::addmm_out(d, direct.narrow(0, 0, step.n), step.of(d_hidden_gates), in_.weight_hh);
    const auto d_turns = back_from_turns(step, step.of(d_.gates).mm(in_.context_weight));
    back_from_words(step, in_.has_rnn() ? back_over_turns(step, d_turns) : d_turns);
    d.addmm_(step.of(d_turn_queries_), in_.turn_query_weight);
    d.addmm_(step.of(d_word_queries_), in_.word_query_weight);
  }
  d_.weight_hh = d_hidden_gates.t().mm(befores);
  d_.bias_hh = d_hidden_gates.sum(0);
  d_.word_query_weight = d_word_queries_.t().mm(befores);
  d_.turn_query_weight = d_turn_queries_.t().mm(befores);
  d_.context_weight = d_.gates.t().mm(trace_.seen);
  return d_;
}

struct WordRecurrence : Function<WordRecurrence> {
  /// `parameters`: contiguous, in the order of Parameters; `saves` = gradients will be asked for.
  static variable_list forward(AutogradContext* context, at::TensorList parameters,
                               const c10::intrusive_ptr<TurnPlaces>& places, bool saves) {
    Parameters in;
    std::size_t next = 0;
    Parameters::each(in, [&](torch::Tensor& tensor) { tensor = parameters[next++]; });
    Trace trace;
    with_type(in.gates,
              [&](auto zero) { WordLoop<decltype(zero)>(in, *places, trace).forth(saves); });
    if (saves) {
      variable_list kept(parameters.begin(), parameters.end());
      Trace::each(trace, [&](const torch::Tensor& tensor) { kept.push_back(tensor); });
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
    Parameters in;
    Trace trace;
    trace.steps.resize(places->counts.size());
    Parameters::each(in, take);
    Trace::each(trace, take);
    variable_list gradients;
    with_type(in.gates, [&](auto zero) {
      const auto d = WordLoop<decltype(zero)>(in, *places, trace).back(d_outputs[0].contiguous());
      Parameters::each(d, [&](const torch::Tensor& tensor) { gradients.push_back(tensor); });
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
  const Parameters in{.gates = gates,
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
  Parameters::each(in,
                   [&](const torch::Tensor& tensor) { parameters.push_back(tensor.contiguous()); });
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
