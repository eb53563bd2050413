#include "data/batches/pair_batch.h"

#include <algorithm>

#include "base/errors.h"

namespace banter::data {

PairBatch PairBatch::to(torch::Device device) const {
  return {.texts = texts.to(device), .label = label.to(device), .pairs = pairs};
}

PairBatch make_pair_batch(const Split& split, std::span<const std::uint64_t> pairs,
                          const BatchOptions& options, const SpecialIds& special) {
  if (pairs.empty()) throw base::DataError("a batch needs at least one pair");
  std::vector<Context> contexts;
  for (const auto pair : pairs) {
    auto& context = contexts.emplace_back();
    split.append_premise(pair, context.facts.emplace_back().ids);
    split.append_hypothesis(pair, context.reply);
  }
  auto with_facts = options;
  with_facts.persona = "turns";
  with_facts.max_context_tokens =
      std::max(options.max_context_tokens, fact_row_tokens(options.max_turn_tokens, options));
  PairBatch batch{.texts = make_batch(contexts, with_facts, special), .label = {}, .pairs = {}};
  std::vector<std::int64_t> labels;
  for (const auto& example : batch.texts.examples) {
    batch.pairs.push_back(pairs[example.dialogue]);
    labels.push_back(static_cast<std::int64_t>(split.pair_label(batch.pairs.back())));
  }
  batch.label = torch::tensor(labels, torch::kLong);
  return batch;
}

}  // namespace banter::data
