#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <torch/types.h>

#include "data/batches/batch.h"
#include "data/batches/examples.h"
#include "data/store/split.h"

namespace banter::data {

/// A pair as ids, without special ones.
struct PairIds {
  std::vector<TokenId> premise, hypothesis;
  Label label = Label::kNeutral;  ///< of no meaning where it is what is asked for
};

/// Sentence pairs as models read them: the premise is the only fact, the hypothesis the reply, so
/// that whoever reads a persona and a reply reads a pair. N pairs.
struct PairBatch {
  Batch texts;                       ///< N replies without context: facts (N,1), labels (N,S)
  torch::Tensor label;               ///< (N) int64, Label
  std::vector<std::uint64_t> pairs;  ///< N: their numbers in the split, or among the pairs given

  [[nodiscard]] std::int64_t size() const { return label.size(0); }
  [[nodiscard]] PairBatch to(torch::Device device) const;
};

/// Makes the batch of these pairs, longest hypothesis first: `pairs` says which is which. A premise
/// loses its end at `max_turn_tokens`; a hypothesis is kept whole, or cut as replies are.
/// Throws   DataError when there is no pair
PairBatch make_pair_batch(const std::vector<PairIds>& pairs, const BatchOptions& options,
                          const SpecialIds& special, ReplyLength length = ReplyLength::kWhole);

/// The same of pairs of a split.
PairBatch make_pair_batch(const Split& split, std::span<const std::uint64_t> pairs,
                          const BatchOptions& options, const SpecialIds& special,
                          ReplyLength length = ReplyLength::kWhole);

}  // namespace banter::data
