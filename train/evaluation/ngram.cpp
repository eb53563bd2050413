#include "train/evaluation/ngram.h"

#include <algorithm>
#include <cmath>

namespace banter::train {
namespace {

std::uint64_t pair_of(data::TokenId history, data::TokenId label) {
  return static_cast<std::uint64_t>(history) << 32 | static_cast<std::uint64_t>(label);
}
std::size_t history_of(std::uint64_t pair) { return static_cast<std::size_t>(pair >> 32); }
std::size_t label_of(std::uint64_t pair) { return static_cast<std::size_t>(pair & 0xFFFFFFFFU); }

void append_pairs(std::span<const data::TokenId> labels, data::TokenId bos,
                  std::vector<std::uint64_t>& pairs) {
  auto history = bos;
  for (const auto label : labels) {
    pairs.push_back(pair_of(history, label));
    history = label;
  }
}

std::vector<std::uint64_t> pairs_of(std::span<const std::vector<data::TokenId>> replies,
                                    data::TokenId bos) {
  std::vector<std::uint64_t> pairs;
  for (const auto& labels : replies) append_pairs(labels, bos, pairs);
  return pairs;
}

std::vector<std::uint64_t> pairs_of(const data::Split& split, const data::ReplyRule& rule,
                                    const data::SpecialIds& special, std::uint64_t max_labels) {
  std::vector<std::uint64_t> pairs;
  std::vector<data::TokenId> labels;
  for (std::uint64_t d = 0; d < split.dialogues() && pairs.size() < max_labels; ++d) {
    const auto dialogue = split.dialogue(d);
    for (auto turn = rule.next(split, dialogue, 1); turn < dialogue.turns;
         turn = rule.next(split, dialogue, turn + 1)) {
      labels.clear();
      split.append_turn(dialogue.first_turn + turn, labels);
      labels.push_back(special.eos);
      append_pairs(labels, special.bos, pairs);
    }
  }
  return pairs;
}

/// The absolute discount of Ney, Essen and Kneser; 1/2 where nothing was seen once.
template <typename Counts>
double discount_of(const Counts& counts) {
  const auto once = static_cast<double>(std::ranges::count(counts, 1));
  const auto twice = static_cast<double>(std::ranges::count(counts, 2));
  return once == 0 ? 0.5 : once / (once + 2 * twice);
}

}  // namespace

void NgramBaseline::Counts::finish() {
  discount = discount_of(of);
  double different = 0;
  for (const double count : of) {
    total += count;
    if (count > 0) ++different;
  }
  spare = discount * different;
  best = std::ranges::max_element(of) - of.begin();
}

double NgramBaseline::Counts::probability(data::TokenId id, double uniform) const {
  if (total == 0) return uniform;
  return (std::max(of[static_cast<std::size_t>(id)] - discount, 0.0) + spare * uniform) / total;
}

NgramBaseline::NgramBaseline(const data::Split& split, const data::ReplyRule& rule,
                             const data::SpecialIds& special, std::int64_t vocab_size,
                             std::uint64_t max_labels)
    : NgramBaseline(pairs_of(split, rule, special, max_labels), special, vocab_size) {}

NgramBaseline::NgramBaseline(std::span<const std::vector<data::TokenId>> replies,
                             const data::SpecialIds& special, std::int64_t vocab_size)
    : NgramBaseline(pairs_of(replies, special.bos), special, vocab_size) {}

NgramBaseline::NgramBaseline(std::vector<std::uint64_t> pairs, const data::SpecialIds& special,
                             std::int64_t vocab_size)
    // Of the special ids only eos can be a label.
    : uniform_(1.0 / static_cast<double>(vocab_size - special.count() + 1)),
      pairs_(pairs.size()),
      history_totals_(static_cast<std::size_t>(vocab_size)) {
  unigrams_.of.resize(static_cast<std::size_t>(vocab_size));
  continuations_.of.resize(static_cast<std::size_t>(vocab_size));
  std::ranges::sort(pairs);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto pair = pairs[i];
    ++unigrams_.of[label_of(pair)];
    ++history_totals_[history_of(pair)];
    if (i == 0 || pair != pairs[i - 1]) {
      ++continuations_.of[label_of(pair)];
      bigrams_.push_back(pair);
      bigram_counts_.push_back(0);
    }
    ++bigram_counts_.back();
  }
  for (data::TokenId id = 0; id <= vocab_size; ++id)
    first_.push_back(static_cast<std::size_t>(std::ranges::lower_bound(bigrams_, pair_of(id, 0)) -
                                              bigrams_.begin()));
  bigram_discount_ = discount_of(bigram_counts_);
  unigrams_.finish();
  continuations_.finish();
  for (data::TokenId id = 0; id < vocab_size; ++id) bigram_best_.push_back(find_bigram_best(id));
}

double NgramBaseline::unigram(data::TokenId label) const {
  return std::log(unigrams_.probability(label, uniform_));
}

double NgramBaseline::bigram(data::TokenId history, data::TokenId label) const {
  return std::log(bigram_probability(history, label));
}

double NgramBaseline::bigram_probability(data::TokenId history, data::TokenId label) const {
  const auto h = static_cast<std::size_t>(history);
  const double lower = continuations_.probability(label, uniform_);
  if (history_totals_[h] == 0) return lower;
  const auto begin = bigrams_.begin() + static_cast<std::ptrdiff_t>(first_[h]);
  const auto end = bigrams_.begin() + static_cast<std::ptrdiff_t>(first_[h + 1]);
  const auto found = std::lower_bound(begin, end, pair_of(history, label));
  double seen = 0;
  if (found != end && *found == pair_of(history, label))
    seen = bigram_counts_[static_cast<std::size_t>(found - bigrams_.begin())] - bigram_discount_;
  const double spare = bigram_discount_ * static_cast<double>(end - begin);
  return (std::max(seen, 0.0) + spare * lower) / history_totals_[h];
}

data::TokenId NgramBaseline::find_bigram_best(data::TokenId history) const {
  // Among labels never seen behind this history the best continuation is the most probable.
  data::TokenId best = continuations_.best;
  double highest = bigram_probability(history, best);
  const auto h = static_cast<std::size_t>(history);
  for (auto i = first_[h]; i < first_[h + 1]; ++i) {
    const auto label = static_cast<data::TokenId>(label_of(bigrams_[i]));
    const double probability = bigram_probability(history, label);
    if (probability > highest) {
      highest = probability;
      best = label;
    }
  }
  return best;
}

}  // namespace banter::train
