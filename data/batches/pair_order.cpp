#include "data/batches/pair_order.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/random.h"
#include "data/batches/windows.h"

namespace banter::data {

std::vector<std::uint64_t> chosen_pairs(const Split& split, PairChoice choice) {
  std::vector<std::uint64_t> pairs;
  for (std::uint64_t pair = 0; pair < split.pairs(); ++pair)
    if (choice == PairChoice::kAll || split.pair_label(pair) != Label::kNeutral)
      pairs.push_back(pair);
  return pairs;
}

PairOrder::PairOrder(const Split& split, const BatchOptions& options, PairChoice choice,
                     std::uint64_t seed)
    : PairOrder(split, chosen_pairs(split, choice), options, seed) {}

PairOrder::PairOrder(const Split& split, std::vector<std::uint64_t> pairs,
                     const BatchOptions& options, std::uint64_t seed)
    : split_(&split), options_(options), seed_(seed), pairs_(std::move(pairs)) {
  if (pairs_.empty())
    throw base::DataError("split \"" + split.name() + "\": has " + std::to_string(split.pairs()) +
                          " sentence pairs, of which none can be learned from; prepare a store of "
                          "Dialogue NLI, MNLI or the like");
  std::uint64_t labels = 0;
  for (const auto pair : pairs_) labels += static_cast<std::uint64_t>(labels_of(pair));
  windows_ = windows_of(labels, pairs_.size(), options_);
}

std::int64_t PairOrder::labels_of(std::uint64_t pair) const {
  return training_labels(split_->hypothesis_length(pair), options_);
}

std::vector<std::vector<std::uint64_t>> PairOrder::window(std::uint64_t epoch,
                                                          std::uint64_t window) const {
  check_window(window, windows_, name());
  const auto order_key = base::join_keys(seed_, epoch);
  const auto size = pairs_.size();
  std::vector<std::uint64_t> pairs;
  for (auto i = size * window / windows_; i < size * (window + 1) / windows_; ++i)
    pairs.push_back(pairs_[base::permuted(i, size, order_key)]);
  // Stable: pairs of equal length keep their random order.
  std::ranges::stable_sort(pairs, std::ranges::greater{},
                           [&](std::uint64_t pair) { return labels_of(pair); });

  std::vector<std::vector<std::uint64_t>> batches;
  std::int64_t room = 0;
  for (const auto pair : pairs) {
    const auto labels = labels_of(pair);
    if (batches.empty() || labels > room) {
      batches.emplace_back();
      room = options_.tokens_per_batch;
    }
    batches.back().push_back(pair);
    room -= labels;
  }
  return permuted_by(base::join_keys(order_key, window), std::move(batches));
}

}  // namespace banter::data
