#include <algorithm>
#include <functional>

#include "models/layers/fused.h"
#include "models/layers/words/word_loop.h"

namespace banter::models {

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
WordParameters WordLoop<T>::back(const torch::Tensor& d_states) {
  d_ = in_;
  WordParameters::each(d_, [](torch::Tensor& tensor) { tensor = torch::zeros_like(tensor); });
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

template WordParameters WordLoop<float>::back(const torch::Tensor&);
template WordParameters WordLoop<double>::back(const torch::Tensor&);

}  // namespace banter::models
