#include "data/batches/pair_stream.h"

#include <span>
#include <utility>

namespace banter::data {

PairStream::PairStream(const Split& split, const BatchOptions& options, const SpecialIds& special,
                       PairChoice choice, std::uint64_t seed)
    : PairStream(split, chosen_pairs(split, choice), options, special, seed) {}

PairStream::PairStream(const Split& split, std::vector<std::uint64_t> pairs,
                       const BatchOptions& options, const SpecialIds& special, std::uint64_t seed)
    : split_(&split),
      options_(options),
      special_(special),
      cursor_(PairOrder(split, std::move(pairs), options, seed)) {}

PairBatch PairStream::next() {
  return make_pair_batch(*split_, cursor_.next(), options_, special_, ReplyLength::kCut);
}

PairEvaluationStream::PairEvaluationStream(const Split& split, const BatchOptions& options,
                                           const SpecialIds& special, PairChoice choice,
                                           ReplyLength length)
    : split_(&split),
      options_(options),
      special_(special),
      length_(length),
      pairs_(chosen_pairs(split, choice)) {}

bool PairEvaluationStream::next(PairBatch& batch) {
  const auto first = next_;
  for (std::int64_t labels = 0; next_ < pairs_.size(); ++next_) {
    labels += split_->hypothesis_length(pairs_[next_]) + std::int64_t{1};
    if (next_ > first && labels > options_.tokens_per_batch) break;
  }
  if (next_ == first) return false;
  batch = make_pair_batch(*split_, std::span(pairs_).subspan(first, next_ - first), options_,
                          special_, length_);
  return true;
}

}  // namespace banter::data
