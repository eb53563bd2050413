#include "models/consistency/classify_pairs.h"

#include <algorithm>
#include <functional>

namespace banter::models {
namespace {

constexpr std::int64_t kMostTokens = 8192;

/// How many tokens a pair has in its row.
struct Size {
  std::size_t pair = 0;
  std::int64_t premise = 0, hypothesis = 0;

  [[nodiscard]] std::int64_t all() const { return premise + hypothesis; }
};

std::vector<Size> longest_first(std::span<const data::PairIds> pairs,
                                const data::BatchOptions& options) {
  std::vector<Size> sizes;
  for (const auto& [premise, hypothesis, label] : pairs)
    sizes.push_back({.pair = sizes.size(),
                     .premise = data::fact_row_tokens(std::ssize(premise), options),
                     .hypothesis = data::training_labels(std::ssize(hypothesis), options)});
  std::ranges::stable_sort(sizes, std::ranges::greater{}, &Size::all);
  return sizes;
}

/// How many of the first fit into a batch, one at least.
std::size_t count_that_fit(std::span<const Size> sizes) {
  Size longest;
  for (std::size_t n = 0; n < sizes.size(); ++n) {
    longest.premise = std::max(longest.premise, sizes[n].premise);
    longest.hypothesis = std::max(longest.hypothesis, sizes[n].hypothesis);
    if (n > 0 && static_cast<std::int64_t>(n + 1) * longest.all() > kMostTokens) return n;
  }
  return sizes.size();
}

}  // namespace

std::vector<LabelLogProbs> classify_pairs(PairClassifier& classifier,
                                          std::span<const data::PairIds> pairs,
                                          const data::BatchOptions& options,
                                          const data::SpecialIds& special, torch::Device device) {
  const c10::InferenceMode guard;
  std::vector<LabelLogProbs> answers(pairs.size());
  const auto sizes = longest_first(pairs, options);
  for (std::span rest(sizes); !rest.empty();) {
    const auto taken = rest.first(count_that_fit(rest));
    rest = rest.subspan(taken.size());
    std::vector<data::PairIds> texts;
    for (const auto& size : taken) texts.push_back(pairs[size.pair]);
    const auto batch = data::make_pair_batch(texts, options, special, data::ReplyLength::kCut);
    const auto rows = label_log_probs(classifier, batch, device);
    for (std::size_t n = 0; n < rows.size(); ++n) answers[taken[batch.pairs[n]].pair] = rows[n];
  }
  return answers;
}

}  // namespace banter::models
