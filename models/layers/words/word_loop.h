#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "models/kernels/kernels.h"
#include "models/layers/words/turn_places.h"

namespace banter::models {

/// The tensors that gradients are made for, in the order of the Function's inputs.
struct WordParameters {
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
struct WordTrace {
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
  WordLoop(const WordParameters& in, const TurnPlaces& places, WordTrace& trace)
      : in_(in),
        places_(places),
        trace_(trace),
        hidden_dim_(in.weight_hh.size(1)),
        key_dim_(in.word_v.size(0)) {}

  void forth(bool saves);
  /// The gradients, those of `gates` to the context weight in order.
  WordParameters back(const torch::Tensor& d_states);

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

  torch::Tensor look_at_words(const At& step, WordTrace::Step& kept);
  torch::Tensor run_over_turns(const At& step, const torch::Tensor& gates, WordTrace::Step& kept);
  torch::Tensor look_at_turns(const At& step, WordTrace::Step& kept);

  torch::Tensor back_from_turns(const At& step, const torch::Tensor& d_seen);
  torch::Tensor back_over_turns(const At& step, const torch::Tensor& d_turns);
  void back_from_words(const At& step, const torch::Tensor& d_read);

  const WordParameters& in_;
  const TurnPlaces& places_;
  WordTrace& trace_;
  const std::int64_t hidden_dim_, key_dim_;
  const Kernels<T>& k_ = kernels<T>();
  WordParameters d_;                               ///< on the way back
  torch::Tensor d_word_queries_, d_turn_queries_;  ///< (P,K), likewise
};

}  // namespace banter::models
