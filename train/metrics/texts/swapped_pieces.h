#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/metrics/texts/measure.h"
#include "train/metrics/texts/pieces.h"

namespace banter::train {

/// How the sums over two systems' pieces change when groups are swapped between the systems.
///
/// A piece that differs in one group only adds what that group changes, so that it goes into the
/// columns that are added up over the swapped groups; only the others are counted in each trial.
class SwappedPieces {
 public:
  static constexpr std::size_t kColumns = 3;
  static constexpr std::size_t kLanes = 16;  ///< trials at once

  /// What both systems have after the swaps of a trial.
  struct Sums {
    PieceSums first, second;
  };

  /// Writes into `kColumns` columns of `changes` (groups, columns), from `column` on.
  SwappedPieces(const PieceCounts& first, const PieceCounts& second, PieceWeight weight,
                Table& changes, std::size_t column);

  /// `swaps` (groups, kLanes): all bits set where a lane's trial swaps the group, else 0; `changes`
  /// the rows of the lanes' trials, added up over the swapped groups.
  [[nodiscard]] std::vector<Sums> sums(std::span<const std::int32_t> swaps, const Table& changes,
                                       std::size_t first_trial, std::size_t lanes) const;

 private:
  struct Change {
    std::uint32_t group = 0;
    std::int32_t more = 0;  ///< how many more the second system has
  };
  struct Piece {
    std::uint32_t first = 0, second = 0;  ///< counts of both systems
    std::size_t end = 0;                  ///< of its changes
  };
  void add(std::span<const PieceCount> first, std::span<const PieceCount> second,
           PieceWeight weight, Table& changes);

  std::size_t column_;
  Sums unswapped_;  ///< without the weights of `pieces_`
  std::vector<Piece> pieces_;
  std::vector<Change> changes_;
  std::vector<double> weights_;  ///< by count
};

}  // namespace banter::train
