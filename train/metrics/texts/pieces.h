#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/metrics/texts/vocabulary.h"
#include "train/metrics/texts/windows.h"

namespace banter::train {

/// How often a piece (an n-gram, or a whole reply) stands in the replies of a group.
struct PieceCount {
  Window piece = 0;
  std::uint32_t group = 0;
  std::uint32_t count = 0;
};

/// The pieces of a set of replies by group: what the metrics of diversity are made of. They are no
/// sums over replies, as whether a piece is new depends on all the others.
class PieceCounts {
 public:
  void add(Window piece, std::uint32_t group) { entries_.push_back({piece, group, 1}); }
  /// Sorts by piece and group and joins equal ones; `add` no more.
  void finish();

  [[nodiscard]] std::span<const PieceCount> entries() const { return entries_; }

 private:
  std::vector<PieceCount> entries_;
};

/// A weight for each count, added up over the different pieces, and all pieces.
struct PieceSums {
  double weights = 0;
  double all = 0;
};

/// What a piece that occurs `count` times adds.
using PieceWeight = double (*)(double count);

PieceSums piece_sums(const PieceCounts& counts, PieceWeight weight);

/// The same without the groups of each block: block = group modulo `blocks`.
std::vector<PieceSums> piece_sums_without(const PieceCounts& counts, PieceWeight weight,
                                          std::size_t blocks);

/// Gives `take` the entries of each piece together.
template <typename Take>
void for_each_piece_of(std::span<const PieceCount> entries, const Take& take) {
  for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    while (end < entries.size() && entries[end].piece == entries[begin].piece) ++end;
    take(entries.subspan(begin, end - begin));
  }
}

}  // namespace banter::train
