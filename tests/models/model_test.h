#pragma once

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "configs/section.h"
#include "data/batch.h"
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

/// Log-probabilities of the labels by repeated `step`, on a memory composed turn by turn.
inline torch::Tensor scores_by_step(DialogueModel& model, const data::Batch& batch) {
  const torch::NoGradGuard no_grad;
  const auto memory = Memory{
      model.compose(model.encode_turns(batch), batch.context, batch.facts, batch.reply_speaker)};
  auto state = model.start(0, memory, torch::arange(batch.replies()));
  std::vector<torch::Tensor> columns;
  for (std::int64_t t = 0; t < batch.labels.size(1); ++t) {
    auto out = model.step(batch.decoder_input.select(1, t), memory, state);
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
