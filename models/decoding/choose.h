#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "models/screened_row.h"

/// Choosing tokens from one row of logits: pure functions of plain floats, one or two passes over
/// the row, no sort of the vocabulary.
namespace banter::models {

/// What turns logits of a row into log-probabilities.
struct LogNorm {
  double log_sum = 0;  ///< ln sum e^logit

  /// At most 0, whatever the sum was rounded to.
  [[nodiscard]] double log_prob(float logit) const {
    return std::min(0.0, static_cast<double>(logit) - log_sum);
  }
};

/// Minus infinity is a legal logit (probability 0) unless all are.
/// Throws   base::Error when a logit is NaN or plus infinity, or all are minus infinity
LogNorm norm_of(std::span<const float> logits);

/// The id with the highest logit, the lowest one of several; -1 when all are minus infinity.
data::TokenId first_max(std::span<const float> logits);

/// The `n` highest above minus infinity, falling, lower ids first among equals; fewer when there
/// are no more.
std::vector<Candidate> highest(std::span<const float> logits, std::size_t n);

/// How method sample cuts the distribution: in this order, which is that of Hugging Face.
/// Source   typical_p: Meister et al. 2022, arXiv:2202.00666
struct Cut {
  double temperature = 1.0;  ///< > 0: divides the logits
  std::int64_t top_k = 0;    ///< keeps the k most probable (lower ids first among equals); 0 = all
  double top_p = 1.0;        ///< keeps the smallest set with at least this share of what is left
  double typical_p = 1.0;  ///< the same, of those whose surprise is nearest to the entropy of what
                           ///< is left (the more probable first among equals)
};

/// Draws an id: the inverse of the distribution function over the kept candidates, summed in
/// float64, at `unit` in [0, 1). They stand in falling order; where nothing is cut, those behind
/// the most probable few stand in the order of their ids, which spares a sort. -1 when all logits
/// are minus infinity.
data::TokenId draw(std::span<const float> logits, const Cut& cut, double unit);

}  // namespace banter::models
