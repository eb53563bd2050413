#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batches/examples.h"
#include "data/tokenizer/tokenizer.h"

namespace banter::train {

/// What a unigram and a bigram model say of replies: the rows that every dialogue model must beat.
///
/// Trained on and asked about the same labels as the models (eos included), with the decoder's
/// input as history (bos first). Sees nothing of the context.
///
/// Math     unigram  p(w)   = max(c(w) - D, 0)/N + D n/N * 1/V
///          bigram   p(w|h) = max(c(hw) - D, 0)/c(h) + D n(h.)/c(h) * q(w)
///                   q(w)   = max(n(.w) - D, 0)/n(..) + D n/n(..) * 1/V
///          n: how many different ones; each level has its own D = n1/(n1 + 2 n2), n1 and n2 being
///          how many of its counts are 1 and 2; V: ids that can be labels
/// Source   interpolated Kneser-Ney as in Chen and Goodman 1999; D: Ney, Essen, Kneser 1994
/// Cost     8 bytes a label while it is made, 12 for each different bigram afterwards
class NgramBaseline {
 public:
  /// Trains on the replies of `split`, whole, in order, until it has `max_labels` labels.
  NgramBaseline(const data::Split& split, const data::ReplyRule& rule,
                const data::SpecialIds& special, std::int64_t vocab_size,
                std::uint64_t max_labels = 50'000'000);

  /// Trains on replies given as labels, each with its eos.
  NgramBaseline(std::span<const std::vector<data::TokenId>> replies,
                const data::SpecialIds& special, std::int64_t vocab_size);

  [[nodiscard]] double unigram(data::TokenId label) const;                        ///< ln p(label)
  [[nodiscard]] double bigram(data::TokenId history, data::TokenId label) const;  ///< ln p
  /// The most probable labels: what `token_accuracy` compares with.
  [[nodiscard]] data::TokenId unigram_best() const { return unigrams_.best; }
  [[nodiscard]] data::TokenId bigram_best(data::TokenId history) const {
    return bigram_best_[static_cast<std::size_t>(history)];
  }
  [[nodiscard]] std::uint64_t labels() const { return pairs_; }  ///< trained on

 private:
  /// Counts of each id with what is needed to discount them.
  struct Counts {
    std::vector<double> of;  ///< (V)
    double total = 0, discount = 0, spare = 0;
    data::TokenId best = 0;
    void finish();
    [[nodiscard]] double probability(data::TokenId id, double uniform) const;
  };
  NgramBaseline(std::vector<std::uint64_t> pairs, const data::SpecialIds& special,
                std::int64_t vocab_size);
  [[nodiscard]] double bigram_probability(data::TokenId history, data::TokenId label) const;
  [[nodiscard]] data::TokenId find_bigram_best(data::TokenId history) const;

  double uniform_ = 0;  ///< 1 / ids that can be labels
  std::uint64_t pairs_ = 0;
  std::vector<std::uint64_t> bigrams_;        ///< different (history << 32 | label), rising
  std::vector<std::uint32_t> bigram_counts_;  ///< of each
  std::vector<std::size_t> first_;            ///< (V+1): where each history begins in `bigrams_`
  std::vector<double> history_totals_;        ///< (V)
  std::vector<data::TokenId> bigram_best_;    ///< (V)
  double bigram_discount_ = 0;
  Counts unigrams_, continuations_;
};

}  // namespace banter::train
