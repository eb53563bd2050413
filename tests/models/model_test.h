#pragma once

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "configs/section.h"
#include "data/batches/batch.h"
#include "models/dialogue_model.h"
#include "models/registry.h"

namespace banter::models {

constexpr std::int64_t kVocab = 60;
constexpr double kExact = 1e-9;  ///< double precision, the same sums in another order

inline Vocabulary tiny_vocabulary() { return {kVocab, data::SpecialIds{}}; }

/// A small model from YAML text, in double precision and eval mode.
inline ModelPtr tiny_model(const std::string& yaml, std::uint64_t seed = 1) {
  const auto config = configs::Config::parse(yaml, "test");
  auto model = build_model(config.root(), tiny_vocabulary(), seed);
  model->to(torch::kDouble);
  model->eval();
  return model;
}

/// Contexts of ordinary ids: `turns[i]` turns for the i-th, replies of different lengths.
inline std::vector<data::Context> tiny_contexts(const std::vector<int>& turns, unsigned seed = 7,
                                                int facts = 0) {
  std::mt19937 random(seed);
  const auto first = data::SpecialIds{}.count();
  const auto some_ids = [&](unsigned most) {
    std::vector<data::TokenId> ids(1 + random() % most);
    for (auto& id : ids) id = first + static_cast<std::int64_t>(random() % (kVocab - 20));
    return ids;
  };
  std::vector<data::Context> contexts;
  for (const int count : turns) {
    data::Context context;
    for (int i = 0; i < count; ++i)
      context.turns.push_back({.ids = some_ids(6), .speaker = 1 + i % 2});
    for (int i = 0; i < facts; ++i) context.facts.push_back({.ids = some_ids(4), .speaker = 1});
    context.reply_speaker = 1 + count % 2;
    context.reply = some_ids(7);
    contexts.push_back(std::move(context));
  }
  return contexts;
}

inline data::Batch tiny_batch(const std::vector<data::Context>& contexts) {
  return data::make_batch(contexts, data::BatchOptions{}, data::SpecialIds{});
}

/// Moves all parameters: biases and shares start at 0, where they would show nothing.
inline void move_parameters(torch::nn::Module& model) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : model.parameters()) parameter.add_(torch::randn_like(parameter), 0.3);
}

/// "name[shape]" of each parameter, a line each: the checkpoint's format.
inline std::string names_and_shapes(const torch::nn::Module& model) {
  std::string names;
  for (const auto& parameter : model.named_parameters())
    names += parameter.key() + c10::str(parameter.value().sizes()) + "\n";
  return names;
}

/// A model's parameters by name, for references that follow its equations a token at a time.
class Plain {
 public:
  explicit Plain(const torch::nn::Module& model) : parameters_(model.named_parameters()) {}
  torch::Tensor operator()(const std::string& name) const { return parameters_[name]; }

  /// The facts, then the turns of a context with their special ids, and who speaks.
  static std::vector<std::pair<std::vector<data::TokenId>, std::int64_t>> sources(
      const data::Context& context) {
    const data::SpecialIds special;
    std::vector<std::pair<std::vector<data::TokenId>, std::int64_t>> rows;
    for (const auto& fact : context.facts) {
      rows.push_back({fact.ids, fact.speaker});
      rows.back().first.insert(rows.back().first.begin(), special.persona);
    }
    for (const auto& turn : context.turns) rows.push_back({turn.ids, turn.speaker});
    for (auto& [ids, speaker] : rows) ids.push_back(special.turn_end);
    return rows;
  }

  /// e(id), with the vector of a speaker where the model has those.
  [[nodiscard]] torch::Tensor token(data::TokenId id, std::int64_t speaker = -1) const {
    const auto vector = parameters_["embedding.token.weight"][id];
    if (speaker < 0 || !parameters_.contains("embedding.speaker.weight")) return vector;
    return vector + parameters_["embedding.speaker.weight"][speaker];
  }
  [[nodiscard]] torch::Tensor gru(const std::string& name, const torch::Tensor& x,
                                  const torch::Tensor& h) const {
    const auto& p = *this;
    const auto i = (p(name + ".weight_ih").mv(x) + p(name + ".bias_ih")).chunk(3);
    const auto g = (p(name + ".weight_hh").mv(h) + p(name + ".bias_hh")).chunk(3);
    const auto r = torch::sigmoid(i[0] + g[0]), z = torch::sigmoid(i[1] + g[1]);
    return (1 - z) * torch::tanh(i[2] + r * g[2]) + z * h;
  }
  /// sum_i softmax_i(v^T tanh(W h_i + Q query)) h_i
  [[nodiscard]] torch::Tensor attend(const std::string& name, const std::vector<torch::Tensor>& h,
                                     const torch::Tensor& query) const {
    const auto& p = *this;
    std::vector<torch::Tensor> e;
    for (const auto& row : h)
      e.push_back(p(name + ".v")
                      .dot(torch::tanh(p(name + ".memory_weight").mv(row) +
                                       p(name + ".query_weight").mv(query))));
    return torch::stack(e).softmax(0).matmul(torch::stack(h));
  }
  /// tanh(W x + b)
  [[nodiscard]] torch::Tensor tanh_of(const std::string& name, const torch::Tensor& x) const {
    const auto& p = *this;
    return torch::tanh(p(name + ".weight").mv(x) + p(name + ".bias"));
  }
  /// The encoder's state of each token of a row, then its vector of the row.
  [[nodiscard]] std::pair<std::vector<torch::Tensor>, torch::Tensor> encoded(
      const std::vector<torch::Tensor>& row) const {
    return encoded_by("encoder", row);
  }
  /// The next states of a decoder's layers, the lowest first; x is what that one reads.
  [[nodiscard]] std::vector<torch::Tensor> decoded(torch::Tensor x,
                                                   std::vector<torch::Tensor> states) const {
    std::string name = "decoder";
    for (auto& s : states) {
      x = s = gru(name, x, s);
      name += ".upper";
    }
    return states;
  }
  [[nodiscard]] torch::Tensor log_probs(const torch::Tensor& s) const {
    const auto& p = *this;
    const bool tied = !parameters_.contains("output.weight");
    const auto x =
        parameters_.contains("output.project.weight") ? p("output.project.weight").mv(s) : s;
    const auto weight = p(tied ? "embedding.token.weight" : "output.weight");
    return (weight.mv(x) + p("output.bias")).log_softmax(0);
  }

 private:
  [[nodiscard]] std::pair<std::vector<torch::Tensor>, torch::Tensor> encoded_by(
      const std::string& name, const std::vector<torch::Tensor>& row) const {
    const auto zeros = torch::zeros_like(parameters_[name + ".weight_hh"][0]);
    std::vector<torch::Tensor> states, from_end(row.size());
    auto h = zeros, back = zeros;
    for (const auto& x : row) states.push_back(h = gru(name, x, h));
    if (parameters_.contains(name + ".join.weight")) {
      for (auto j = row.size(); j-- > 0;)
        from_end[j] = back = gru(name + ".backward", row[j], back);
      for (std::size_t j = 0; j < row.size(); ++j)
        states[j] = tanh_of(name + ".join", torch::cat({states[j], from_end[j]}));
      h = tanh_of(name + ".join", torch::cat({h, back}));
    }
    const auto upper = name + ".upper";
    if (parameters_.contains(upper + ".weight_hh")) return encoded_by(upper, states);
    return {states, h};
  }
  torch::OrderedDict<std::string, torch::Tensor> parameters_;
};

/// What the last pass reads of a batch's contexts, composed turn by turn.
inline Memory memory_of(DialogueModel& model, const data::Batch& batch) {
  return model.with_own_draft(
      model.compose(model.encode_turns(batch), batch.context, batch.facts, batch.reply_speaker));
}

/// The state before the first token of the last pass, for sequences of these rows of a memory.
inline State start_of(DialogueModel& model, const Memory& memory, const torch::Tensor& rows) {
  return model.start(model.passes() - 1, memory, rows);
}

/// Log-probabilities of the labels by repeated `step`.
inline torch::Tensor scores_by_step(DialogueModel& model, const data::Batch& batch) {
  const torch::NoGradGuard no_grad;
  const auto memory = memory_of(model, batch);
  auto state = start_of(model, memory, torch::arange(batch.replies()));
  std::vector<torch::Tensor> columns;
  for (std::int64_t t = 0; t < batch.labels.size(1); ++t) {
    auto out = model.step(batch.decoder_input.select(1, t), memory, std::move(state));
    const auto label = batch.labels.select(1, t);
    const auto picked = out.logits.log_softmax(1)
                            .gather(1, label.clamp_min(0).unsqueeze(1))
                            .squeeze(1)
                            .masked_fill(label.lt(0), 0);
    columns.push_back(picked);
    state = std::move(out.state);
  }
  return torch::stack(columns, 1);
}

}  // namespace banter::models
