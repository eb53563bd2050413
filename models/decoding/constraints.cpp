#include "models/decoding/constraints.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>

#include "data/tokenizer/unsayable_ids.h"

namespace banter::models {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

}  // namespace

std::vector<data::TokenId> repeating_ids(std::span<const data::TokenId> said,
                                         std::span<const data::TokenId> ids, std::int64_t n) {
  std::vector<data::TokenId> found;
  if (n <= 0 || std::ssize(said) < n || std::ssize(ids) < n - 1) return found;
  const auto last = ids.end() - (n - 1);
  for (auto begin = said.begin(); begin + (n - 1) != said.end(); ++begin)
    if (std::equal(last, ids.end(), begin)) found.push_back(*(begin + (n - 1)));
  return found;
}

Constraints::Constraints(const data::SpecialIds& special, const DecodingOptions& options,
                         const SearchInput& input)
    : never_(data::unsayable_ids(special)),
      wording_(input.wording),
      eos_(special.eos),
      min_new_tokens_(options.min_new_tokens),
      ngram_size_(options.no_repeat_ngram_size),
      context_ngram_size_(options.context_no_repeat_ngram_size) {
  if (wording_) never_.insert(never_.end(), wording_->blocked().begin(), wording_->blocked().end());
  if (context_ngram_size_ > 0) {
    for (const auto& turn : input.context.turns)
      if (std::ssize(turn.ids) >= context_ngram_size_) turns_.push_back(turn.ids);
  }
}

template <typename Forbid>
void Constraints::for_each_forbidden(std::span<const data::TokenId> ids,
                                     const Forbid& forbid) const {
  for (const auto id : never_) forbid(id);
  if (static_cast<std::int64_t>(ids.size()) < min_new_tokens_) forbid(eos_);
  for (const auto id : repeating_ids(ids, ids, ngram_size_)) forbid(id);
  for (const auto& turn : turns_)
    for (const auto id : repeating_ids(turn, ids, context_ngram_size_)) forbid(id);
  if (wording_)
    for (const auto id : wording_->blocked_after(ids)) forbid(id);
}

void Constraints::apply(std::span<float> logits, std::span<const data::TokenId> ids) const {
  for_each_forbidden(ids, [&](data::TokenId id) {
    if (id >= 0 && id < static_cast<data::TokenId>(logits.size()))
      logits[static_cast<std::size_t>(id)] = kForbidden;
  });
}

void Constraints::apply(std::span<Candidate> candidates, std::span<const data::TokenId> ids) const {
  for_each_forbidden(ids, [&](data::TokenId id) {
    const auto found = std::ranges::lower_bound(candidates, id, {}, &Candidate::id);
    if (found != candidates.end() && found->id == id) found->logit = kForbidden;
  });
}

}  // namespace banter::models
