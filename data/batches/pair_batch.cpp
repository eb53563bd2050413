#include "data/batches/pair_batch.h"

#include <algorithm>

#include "base/errors.h"
#include "data/batches/staged.h"

namespace banter::data {
namespace {

/// A pair laid out as a context of one fact with its reply.
Context context_of(const PairIds& pair, const BatchOptions& options, ReplyLength length) {
  Context context;
  context.facts.push_back({.ids = pair.premise});
  context.reply = pair.hypothesis;
  const auto most = static_cast<std::size_t>(options.max_reply_tokens);
  if (length == ReplyLength::kCut && context.reply.size() > most) {
    context.reply.resize(most);
    context.reply_ends = false;
  }
  return context;
}

}  // namespace

PairBatch PairBatch::to(torch::Device device) const {
  return {.texts = texts.to(device), .label = moved(label, device), .pairs = pairs};
}

PairBatch make_pair_batch(const std::vector<PairIds>& pairs, const BatchOptions& options,
                          const SpecialIds& special, ReplyLength length) {
  if (pairs.empty()) throw base::DataError("a batch needs at least one pair");
  std::vector<Context> contexts;
  for (const auto& pair : pairs) contexts.push_back(context_of(pair, options, length));
  auto with_facts = options;
  with_facts.persona = "turns";
  with_facts.max_context_tokens =
      std::max(options.max_context_tokens, fact_row_tokens(options.max_turn_tokens, options));
  PairBatch batch{.texts = make_batch(contexts, with_facts, special), .label = {}, .pairs = {}};
  std::vector<std::int64_t> labels;
  for (const auto& example : batch.texts.examples) {
    batch.pairs.push_back(example.dialogue);
    labels.push_back(static_cast<std::int64_t>(pairs[example.dialogue].label));
  }
  batch.label = torch::tensor(labels, torch::kLong);
  return batch;
}

PairBatch make_pair_batch(const Split& split, std::span<const std::uint64_t> pairs,
                          const BatchOptions& options, const SpecialIds& special,
                          ReplyLength length) {
  std::vector<PairIds> ids;
  for (const auto pair : pairs) {
    auto& next = ids.emplace_back();
    next.label = split.pair_label(pair);
    split.append_premise(pair, next.premise);
    split.append_hypothesis(pair, next.hypothesis);
  }
  auto batch = make_pair_batch(ids, options, special, length);
  for (auto& pair : batch.pairs) pair = pairs[pair];
  return batch;
}

}  // namespace banter::data
