#include "data/batches/batch_mix.h"

#include <cmath>
#include <string>

#include "base/errors.h"
#include "base/random.h"

namespace banter::data {

std::size_t pick(std::uint64_t number, const std::vector<double>& shares) {
  constexpr double kGolden = 0.6180339887498949;  // (sqrt(5) - 1) / 2
  double whole = 0;
  double rest = std::modf(static_cast<double>(number) * kGolden, &whole);
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    if (rest < shares[i]) return i;
    rest -= shares[i];
  }
  return shares.size() - 1;
}

BatchMix::BatchMix(const std::vector<Source>& sources, const BatchOptions& options,
                   const SpecialIds& special, std::uint64_t seed)
    : options_(options), special_(special) {
  double sum = 0;
  for (const auto& source : sources) sum += source.weight;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    shares_.push_back(sources[i].weight / sum);
    // The first has the order that it has alone.
    const auto own_seed = i == 0 ? seed : base::join_keys(seed, i);
    const auto& split = *sources[i].split;
    splits_.push_back(&split);
    cursors_.emplace_back(
        ExampleOrder(split, dialogues_of(split, sources[i].part), options, own_seed));
  }
}

Batch BatchMix::next() {
  const auto i = pick(batches_++, shares_);
  return make_batch(*splits_[i], cursors_[i].next(), options_, special_, ReplyLength::kCut);
}

void BatchMix::skip() { (void)cursors_[pick(batches_++, shares_)].next(); }

MixPosition BatchMix::position() const {
  MixPosition position{batches_, {}};
  for (const auto& cursor : cursors_) position.splits.push_back(cursor.position());
  return position;
}

void BatchMix::seek(const MixPosition& position) {
  if (position.splits.size() != cursors_.size())
    throw base::DataError("a place in a mix of " + std::to_string(position.splits.size()) +
                          " splits is none in a mix of " + std::to_string(cursors_.size()));
  for (std::size_t i = 0; i < cursors_.size(); ++i) cursors_[i].seek(position.splits[i]);
  batches_ = position.batches;
}

std::uint64_t BatchMix::dialogues() const {
  std::uint64_t sum = 0;
  for (const auto& cursor : cursors_) sum += cursor.order().dialogues();
  return sum;
}

std::uint64_t BatchMix::replies() const {
  std::uint64_t sum = 0;
  for (const auto& cursor : cursors_) sum += cursor.order().replies();
  return sum;
}

}  // namespace banter::data
