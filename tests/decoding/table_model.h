#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// A model by hand: the next token depends on the last one, on how many came before, and on what
/// the context says. It has no parameters, and rows are computed one by one, so that company cannot
/// change a bit.
class TableModel : public DialogueModel {
 public:
  static constexpr std::int64_t kWords = 12;

  explicit TableModel(std::int64_t words = kWords)
      : DialogueModel({.size = data::SpecialIds{}.count() + words, .special = {}}) {}

  /// A row is a number that its speaker, kind and ids name.
  Kept encode_turns(const data::Batch& batch) override {
    encoded_rows += batch.turn_ids.size(0);
    auto numbers = torch::zeros({batch.turn_ids.size(0), 1}, torch::kLong);
    for (std::int64_t m = 0; m < batch.turn_ids.size(0); ++m) {
      std::uint64_t key = base::join_keys(batch.turn_speaker[m].item().toLong(),
                                          batch.turn_kind[m].item().toLong());
      for (std::int64_t t = 0; t < batch.turn_ids.size(1); ++t)
        if (batch.turn_keep[m][t].item().toBool())
          key = base::join_keys(key, batch.turn_ids[m][t].item().toLong());
      numbers[m][0] = static_cast<std::int64_t>(key >> 24);
    }
    return {{{numbers}}};
  }

  /// Parts: sources (B,F+U), keep (B,F+U), speaker (B,1).
  Memory compose(const Kept& kept, const torch::Tensor& context, const torch::Tensor& facts,
                 const torch::Tensor& reply_speaker) override {
    compositions.push_back(context.size(0));
    const auto rows = torch::cat({facts, context}, 1);
    const auto sources =
        kept.parts[0].view(-1).index_select(0, rows.clamp_min(0).view(-1)).view(rows.sizes());
    return {{{sources * rows.ge(0), rows.ge(0).to(torch::kLong), reply_speaker.unsqueeze(1)}}};
  }

  std::vector<LossSum> losses(const data::Batch&) override { return {}; }
  Score score(const data::Batch&, bool) override { return {}; }

  State start(std::int64_t, const Memory&, const torch::Tensor& memory_row) override {
    return {memory_row, {{torch::zeros({memory_row.size(0), 1}, torch::kLong)}}};
  }

  StepOutput step(const torch::Tensor& ids, const Memory& memory, State state) override {
    const auto N = ids.size(0), V = vocabulary().size, W = memory.parts[0].size(1);
    steps.push_back(N);
    auto logits = torch::zeros({N, V});
    auto weights = torch::zeros({N, W});
    for (std::int64_t n = 0; n < N; ++n) {
      const auto row = state.memory_row[n].item().toLong();
      const auto length = state.rows.parts[0][n][0].item().toLong();
      std::uint64_t key = base::join_keys(ids[n].item().toLong(), length);
      key = base::join_keys(key, memory.parts[2][row][0].item().toLong());
      const auto kept = memory.parts[1][row].sum().item().toLong();
      for (std::int64_t w = 0; w < W; ++w) {
        if (memory.parts[1][row][w].item().toLong() == 0) continue;
        key = base::join_keys(key, memory.parts[0][row][w].item().toLong());
        weights[n][w] = 1.0 / static_cast<double>(kept);
      }
      auto* row_logits = logits.data_ptr<float>() + n * V;
      for (std::int64_t v = 0; v < V; ++v)
        row_logits[v] =
            static_cast<float>(4 * base::to_unit(base::join_keys(key, v)) + (v == 3 ? 1.5 : 0.0));
      if (broken_at == length) logits[n][0] = std::nan("");
    }
    return {logits, {{"even", weights}}, {state.memory_row, Rows{{state.rows.parts[0] + 1}}}};
  }

  std::vector<std::int64_t> steps;         ///< rows of every step so far
  std::vector<std::int64_t> compositions;  ///< replies of every compose so far
  std::int64_t encoded_rows = 0;           ///< by encode_turns so far
  std::int64_t broken_at = -1;             ///< the token whose logits hold a NaN
};

}  // namespace banter::models
