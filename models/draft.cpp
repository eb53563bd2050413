#include "models/draft.h"

#include <algorithm>
#include <limits>

#include "data/tokenizer/unsayable_ids.h"

namespace banter::models {
namespace {

/// What is added to logits so that no special id is chosen. Shapes   returns (V)
torch::Tensor penalties(const Vocabulary& vocabulary, const torch::Tensor& like) {
  auto penalty = torch::zeros({vocabulary.size}, like.options().device(torch::kCPU));
  for (const auto id : data::unsayable_ids(vocabulary.special))
    if (id >= 0 && id < vocabulary.size) penalty[id] = -std::numeric_limits<double>::infinity();
  return penalty.to(like.device());
}

}  // namespace

Draft Draft::of(const std::vector<std::vector<data::TokenId>>& replies,
                const data::SpecialIds& special) {
  std::size_t longest = 0;
  for (const auto& reply : replies) longest = std::max(longest, reply.size());
  const auto B = static_cast<std::int64_t>(replies.size());
  const auto S = static_cast<std::int64_t>(longest) + 1;
  Draft draft{torch::full({B, S}, special.pad, torch::kLong), torch::zeros({B, S}, torch::kBool)};
  auto* row = draft.inputs.data_ptr<std::int64_t>();
  auto* keep = draft.keep.data_ptr<bool>();
  for (const auto& reply : replies) {
    *row = special.bos;
    std::ranges::copy(reply, row + 1);
    std::fill_n(keep, reply.size() + 1, true);
    row += S;
    keep += S;
  }
  return draft;
}

Draft greedy_draft(DialogueModel& model, const Memory& memory, std::int64_t max_tokens) {
  const auto& special = model.vocabulary().special;
  const auto rows =
      torch::arange(memory.size(), memory.parts.front().options().dtype(torch::kLong));
  auto state = model.start(DialogueModel::kDraft, memory, rows);
  auto ids = torch::full_like(rows, special.bos);
  auto is_open = torch::ones_like(rows, torch::kBool);
  std::vector<torch::Tensor> inputs = {ids}, keep = {is_open};
  torch::Tensor penalty;
  for (std::int64_t t = 0; t < max_tokens; ++t) {
    auto output = model.step(ids, memory, state);
    if (t == 0) penalty = penalties(model.vocabulary(), output.logits);
    const auto logits = output.logits + penalty;
    if (t == 0) logits.select(1, special.eos).fill_(-std::numeric_limits<double>::infinity());
    ids = t == 0 && special.reply_begin != data::SpecialIds::kNone
              ? torch::full_like(ids, special.reply_begin)
              : logits.argmax(1);
    is_open = is_open.logical_and(ids.ne(special.eos));
    if (!is_open.any().item<bool>()) break;
    inputs.push_back(ids.masked_fill(is_open.logical_not(), special.pad));
    keep.push_back(is_open);
    state = std::move(output.state);
  }
  return {torch::stack(inputs, 1), torch::stack(keep, 1)};
}

}  // namespace banter::models
