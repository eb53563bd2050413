#include "models/layers/words/word_loop.h"

#include <utility>

#include "models/layers/fused.h"

namespace banter::models {

template <typename T>
torch::Tensor WordLoop<T>::look_at_words(const At& step, WordTrace::Step& kept) {
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
                                          WordTrace::Step& kept) {
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
torch::Tensor WordLoop<T>::look_at_turns(const At& step, WordTrace::Step& kept) {
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
    WordTrace::Step kept{
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

template void WordLoop<float>::forth(bool);
template void WordLoop<double>::forth(bool);

}  // namespace banter::models
