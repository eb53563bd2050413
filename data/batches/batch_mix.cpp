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
                   const SpecialIds& special, std::uint64_t seed) {
  double sum = 0;
  for (const auto& source : sources) sum += source.weight;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    shares_.push_back(sources[i].weight / sum);
    // The first has the order that it has alone.
    const auto own_seed = i == 0 ? seed : base::join_keys(seed, i);
    streams_.push_back(
        std::make_unique<BatchStream>(*sources[i].split, options, special, own_seed));
  }
}

Batch BatchMix::next() { return streams_[pick(batches_++, shares_)]->next(); }

MixPosition BatchMix::position() const {
  MixPosition position{batches_, {}};
  for (const auto& stream : streams_) position.splits.push_back(stream->position());
  return position;
}

void BatchMix::seek(const MixPosition& position) {
  if (position.splits.size() != streams_.size())
    throw base::DataError("a place in a mix of " + std::to_string(position.splits.size()) +
                          " splits is none in a mix of " + std::to_string(streams_.size()));
  for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i]->seek(position.splits[i]);
  batches_ = position.batches;
}

}  // namespace banter::data
