#include "train/metrics/texts/swapped_pieces.h"

#include <algorithm>
#include <array>

namespace banter::train {
namespace {

std::uint32_t total(std::span<const PieceCount> entries) {
  std::uint32_t sum = 0;
  for (const auto& entry : entries) sum += entry.count;
  return sum;
}

/// The entries of the piece at the front, taken off them.
std::span<const PieceCount> take_piece(std::span<const PieceCount>& entries, Window piece) {
  std::size_t size = 0;
  while (size < entries.size() && entries[size].piece == piece) ++size;
  const auto taken = entries.first(size);
  entries = entries.subspan(size);
  return taken;
}

}  // namespace

SwappedPieces::SwappedPieces(const PieceCounts& first, const PieceCounts& second,
                             PieceWeight weight, Table& changes, std::size_t column)
    : column_(column) {
  auto a = first.entries(), b = second.entries();
  while (!a.empty() || !b.empty()) {
    const auto piece = b.empty() || (!a.empty() && a.front().piece < b.front().piece)
                           ? a.front().piece
                           : b.front().piece;
    const auto of_a = take_piece(a, piece);
    add(of_a, take_piece(b, piece), weight, changes);
  }
  std::size_t most = 0;
  for (const auto& piece : pieces_) most = std::max<std::size_t>(most, piece.first + piece.second);
  for (std::size_t count = 0; count <= most; ++count)
    weights_.push_back(weight(static_cast<double>(count)));
}

void SwappedPieces::add(std::span<const PieceCount> first, std::span<const PieceCount> second,
                        PieceWeight weight, Table& changes) {
  const Piece piece{.first = total(first), .second = total(second), .end = 0};
  unswapped_.first.all += piece.first;
  unswapped_.second.all += piece.second;
  const auto begin = changes_.size();
  for (std::size_t i = 0, j = 0; i < first.size() || j < second.size();) {
    const bool takes_first =
        j == second.size() || (i < first.size() && first[i].group <= second[j].group);
    const bool takes_second =
        i == first.size() || (j < second.size() && second[j].group <= first[i].group);
    const auto group = takes_first ? first[i].group : second[j].group;
    std::int32_t more = 0;
    if (takes_first) more -= static_cast<std::int32_t>(first[i++].count);
    if (takes_second) more += static_cast<std::int32_t>(second[j++].count);
    if (more == 0) continue;
    changes_.push_back({group, more});
    changes.row(group)[column_ + 2] += more;
  }
  const double a = piece.first, b = piece.second;
  if (changes_.size() - begin > 1) {
    pieces_.push_back({piece.first, piece.second, changes_.size()});
    return;
  }
  unswapped_.first.weights += weight(a);
  unswapped_.second.weights += weight(b);
  if (changes_.size() == begin) return;
  const double more = changes_.back().more;
  const auto row = changes.row(changes_.back().group);
  row[column_] += weight(a + more) - weight(a);
  row[column_ + 1] += weight(b - more) - weight(b);
  changes_.pop_back();
}

std::vector<SwappedPieces::Sums> SwappedPieces::sums(std::span<const std::int32_t> swaps,
                                                     const Table& changes, std::size_t first_trial,
                                                     std::size_t lanes) const {
  std::array<double, kLanes> first{}, second{};
  std::size_t at = 0;
  for (const auto& piece : pieces_) {
    std::array<std::int32_t, kLanes> more{};
    for (; at < piece.end; ++at) {
      const auto* const swap = swaps.data() + changes_[at].group * kLanes;
      const auto change = changes_[at].more;
      for (std::size_t l = 0; l < kLanes; ++l) more[l] += change & swap[l];
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      first[l] += weights_[piece.first + static_cast<std::uint32_t>(more[l])];
      second[l] += weights_[piece.second - static_cast<std::uint32_t>(more[l])];
    }
  }
  std::vector<Sums> sums(lanes, unswapped_);
  for (std::size_t l = 0; l < lanes; ++l) {
    const auto row = changes.row(first_trial + l).subspan(column_, kColumns);
    sums[l].first.weights += first[l] + row[0];
    sums[l].second.weights += second[l] + row[1];
    sums[l].first.all += row[2];
    sums[l].second.all -= row[2];
  }
  return sums;
}

}  // namespace banter::train
