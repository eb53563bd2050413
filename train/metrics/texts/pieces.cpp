#include "train/metrics/texts/pieces.h"

#include <algorithm>
#include <tuple>

namespace banter::train {

void PieceCounts::finish() {
  const auto key = [](const PieceCount& entry) { return std::tuple(entry.piece, entry.group); };
  std::ranges::sort(entries_, {}, key);
  std::size_t kept = 0;
  for (const auto& entry : entries_) {
    if (kept > 0 && key(entries_[kept - 1]) == key(entry))
      entries_[kept - 1].count += entry.count;
    else
      entries_[kept++] = entry;
  }
  entries_.resize(kept);
}

PieceSums piece_sums(const PieceCounts& counts, PieceWeight weight) {
  PieceSums sums;
  for_each_piece_of(counts.entries(), [&](std::span<const PieceCount> entries) {
    double count = 0;
    for (const auto& entry : entries) count += entry.count;
    sums.weights += weight(count);
    sums.all += count;
  });
  return sums;
}

std::vector<PieceSums> piece_sums_without(const PieceCounts& counts, PieceWeight weight,
                                          std::size_t blocks) {
  std::vector<PieceSums> sums(blocks);
  std::vector<double> of_block(blocks);
  for_each_piece_of(counts.entries(), [&](std::span<const PieceCount> entries) {
    std::ranges::fill(of_block, 0);
    double count = 0;
    for (const auto& entry : entries) {
      of_block[entry.group % blocks] += entry.count;
      count += entry.count;
    }
    for (std::size_t b = 0; b < blocks; ++b) {
      sums[b].weights += weight(count - of_block[b]);
      sums[b].all += count - of_block[b];
    }
  });
  return sums;
}

}  // namespace banter::train
