#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "train/metrics/texts/sample.h"

namespace banter::train {

/// Sums over replies from which chrF is made: character n-grams without white space.
struct ChrfSums {
  static constexpr std::size_t kOrders = 6;
  static constexpr std::size_t kWidth = 3 * kOrders;

  std::array<double, kOrders> reply{};      ///< n-grams; 0 where the reference has none
  std::array<double, kOrders> reference{};  ///< n-grams
  std::array<double, kOrders> matches{};

  static ChrfSums from(std::span<const double> sums);
  void add_to(std::span<double> sums) const;
};

/// Of one reply and the reference that suits it best.
ChrfSums chrf_sums(const Text& reply, std::span<const Text> references);

/// chrF2 in [0, 100]: F of precision and recall, each the mean over the orders that both sides
/// have, recall counting twice as much.
///
/// Math     (1 + 4) P R / (4 P + R)
/// Source   Popovic 2015, W15-3049; as sacrebleu (Post 2018, arXiv:1804.08771)
double chrf(const ChrfSums& sums);

}  // namespace banter::train
