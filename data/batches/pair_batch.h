#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <torch/torch.h>

#include "data/batches/batch.h"
#include "data/batches/examples.h"
#include "data/store/split.h"

namespace banter::data {

/// Sentence pairs as models read them: the premise is the only fact, the hypothesis the reply, so
/// that whoever reads a persona and a reply reads a pair. N pairs.
struct PairBatch {
  Batch texts;                       ///< N replies without context: facts (N,1), labels (N,S)
  torch::Tensor label;               ///< (N) int64, Label
  std::vector<std::uint64_t> pairs;  ///< N: their numbers in the split

  [[nodiscard]] std::int64_t size() const { return label.size(0); }
  [[nodiscard]] PairBatch to(torch::Device device) const;
};

/// Makes the batch of these pairs of a split, longest hypothesis first. A premise loses its end at
/// `max_turn_tokens`; a hypothesis is kept whole, with its eos.
/// Throws   DataError when there is no pair
PairBatch make_pair_batch(const Split& split, std::span<const std::uint64_t> pairs,
                          const BatchOptions& options, const SpecialIds& special);

}  // namespace banter::data
