#include "train/evaluation/pairs/premises.h"

#include <map>

#include "base/errors.h"
#include "base/random.h"

namespace banter::train {
namespace {

/// Numbers for texts, equal ones for equal texts.
class Texts {
 public:
  std::size_t number(std::vector<data::TokenId> ids) {
    return known_.try_emplace(std::move(ids), known_.size()).first->second;
  }

 private:
  std::map<std::vector<data::TokenId>, std::size_t> known_;
};

struct PairTexts {
  std::uint64_t pair = 0;
  std::size_t premise = 0, hypothesis = 0;
};

/// The pairs in the order of the ring.
std::vector<PairTexts> ring_of(const data::Split& split, std::span<const std::uint64_t> pairs,
                               std::uint64_t seed) {
  Texts texts;
  std::vector<PairTexts> ring(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    std::vector<data::TokenId> premise, hypothesis;
    split.append_premise(pairs[i], premise);
    split.append_hypothesis(pairs[i], hypothesis);
    ring[base::permuted(i, pairs.size(), seed)] = {
        .pair = pairs[i],
        .premise = texts.number(std::move(premise)),
        .hypothesis = texts.number(std::move(hypothesis))};
  }
  return ring;
}

std::uint64_t next_premise(const data::Split& split, std::span<const PairTexts> ring,
                           std::size_t at) {
  const auto& own = ring[at];
  for (std::size_t step = 1; step < ring.size(); ++step) {
    const auto& next = ring[(at + step) % ring.size()];
    if (next.premise != own.premise && next.premise != own.hypothesis) return next.pair;
  }
  throw base::DataError("split \"" + split.name() + "\": pair " + std::to_string(own.pair) +
                        " finds no premise of another text in it, and figures of pairs compare "
                        "with shuffled premises; give a split with more pairs");
}

}  // namespace

std::vector<std::uint64_t> shuffled_premises(const data::Split& split,
                                             std::span<const std::uint64_t> pairs,
                                             std::uint64_t seed) {
  const auto ring = ring_of(split, pairs, seed);
  std::vector<std::uint64_t> taken(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i)
    taken[i] = next_premise(split, ring, base::permuted(i, pairs.size(), seed));
  return taken;
}

}  // namespace banter::train
