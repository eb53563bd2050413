#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "models/decoding/search_input.h"
#include "models/screened_row.h"

namespace banter::models {

/// The ids that behind `ids` would end an n-gram of `said`.
/// Math     {said[i+n-1] : said[i .. i+n-2] = the last n-1 of ids}; nothing for n = 0
std::vector<data::TokenId> repeating_ids(std::span<const data::TokenId> said,
                                         std::span<const data::TokenId> ids, std::int64_t n);

/// What may not be chosen: special ids other than eos ever, eos before the minimum length, what
/// would repeat an n-gram of the reply or of the context, what would write a blocked phrase.
class Constraints {
 public:
  Constraints(const data::SpecialIds& special, const DecodingOptions& options,
              const SearchInput& input);

  /// Sets the logits of what may not follow `ids` to minus infinity.
  void apply(std::span<float> logits, std::span<const data::TokenId> ids) const;
  /// The same of candidates with rising ids.
  void apply(std::span<Candidate> candidates, std::span<const data::TokenId> ids) const;

  [[nodiscard]] data::TokenId eos() const { return eos_; }

 private:
  /// Calls `forbid` with what may not follow `ids`, some of it twice.
  template <typename Forbid>
  void for_each_forbidden(std::span<const data::TokenId> ids, const Forbid& forbid) const;

  std::vector<data::TokenId> never_;
  std::shared_ptr<const Wording> wording_;         ///< or nothing
  std::vector<std::vector<data::TokenId>> turns_;  ///< that hold an n-gram of the context's rule
  data::TokenId eos_;
  std::int64_t min_new_tokens_, ngram_size_, context_ngram_size_;
};

}  // namespace banter::models
