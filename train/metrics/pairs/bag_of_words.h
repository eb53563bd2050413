#pragma once

#include <cstdint>
#include <memory>

#include "data/pair.h"
#include "data/store/split.h"

namespace banter::train {

/// Tells the label of a sentence pair by which words stand in it, whatever their order and whatever
/// stands opposite: what there is to know without understanding.
///
/// Math     logistic regression of each label against the rest over the presence of words, those of
///          the premise and those of the hypothesis apart, with a bias; L2, C = 1
/// Source   LIBLINEAR's L2R_LR (Fan et al. 2008); hypothesis alone: Poliak et al. 2018,
///          arXiv:1805.01042
class BagOfWords {
 public:
  enum class Reads : std::uint8_t { kBoth, kHypothesis };

  /// Learns from the pairs of a split, at least one. Cost: 150 bytes a word of the pairs
  BagOfWords(const data::Split& split, Reads reads);
  ~BagOfWords();
  BagOfWords(const BagOfWords&) = delete;
  BagOfWords& operator=(const BagOfWords&) = delete;

  [[nodiscard]] data::Label most_probable(const data::Pair& pair) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banter::train
