#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "models/decoding/options.h"

namespace banter::models {

/// The ids that would repeat an n-gram of `ids` as its next one.
/// Math     {ids[i+n-1] : ids[i .. i+n-2] = the last n-1 of ids}; nothing for n = 0
std::vector<data::TokenId> repeating_ids(std::span<const data::TokenId> ids, std::int64_t n);

/// What may not be chosen: special ids other than eos ever, eos before the minimum length, what
/// would repeat an n-gram.
class Constraints {
 public:
  Constraints(const data::SpecialIds& special, const DecodingOptions& options);

  /// Sets the logits of what may not follow `ids` to minus infinity.
  void apply(std::span<float> logits, std::span<const data::TokenId> ids) const;

  [[nodiscard]] data::TokenId eos() const { return eos_; }

 private:
  std::vector<data::TokenId> never_;
  data::TokenId eos_;
  std::int64_t min_new_tokens_, ngram_size_;
};

}  // namespace banter::models
