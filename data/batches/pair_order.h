#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/batches/examples.h"
#include "data/store/split.h"

namespace banter::data {

/// Which pairs of a split are gone through.
enum class PairChoice : std::uint8_t {
  kAll,
  kDecided,  ///< those that are entailed or contradicted: not the neutral ones
};

/// The numbers of a split's pairs that are chosen, in its own order.
std::vector<std::uint64_t> chosen_pairs(const Split& split, PairChoice choice);

/// In which order training meets the pairs of a split, as a pure function of (seed, epoch, window):
/// nothing is shuffled in memory, and any window of any epoch is reached at once.
///
/// A keyed permutation orders the chosen pairs of an epoch; neighbours in that order form windows;
/// the pairs of a window are sorted by the labels of their hypotheses, cut into batches of at most
/// `tokens_per_batch` labels, and the batches stand in a keyed order again.
///
/// Threads  any; the split must outlive it
/// Cost     making it reads the label and the length of every pair once; it keeps 8 bytes a pair
class PairOrder {
 public:
  /// Of all pairs of a choice. Throws   DataError when the split has none
  PairOrder(const Split& split, const BatchOptions& options, PairChoice choice, std::uint64_t seed);
  /// Of these. Throws   DataError when there are none
  PairOrder(const Split& split, std::vector<std::uint64_t> pairs, const BatchOptions& options,
            std::uint64_t seed);

  [[nodiscard]] std::uint64_t pairs() const { return pairs_.size(); }  ///< an epoch's
  [[nodiscard]] std::uint64_t windows() const { return windows_; }     ///< an epoch's
  [[nodiscard]] const std::string& name() const { return split_->name(); }

  /// The batches of one window, in the order of training: numbers of pairs in the split.
  /// Throws   DataError when `window` is not below `windows()`
  [[nodiscard]] std::vector<std::vector<std::uint64_t>> window(std::uint64_t epoch,
                                                               std::uint64_t window) const;

 private:
  [[nodiscard]] std::int64_t labels_of(std::uint64_t pair) const;

  const Split* split_;
  BatchOptions options_;
  std::uint64_t seed_;
  std::vector<std::uint64_t> pairs_;
  std::uint64_t windows_ = 0;
};

}  // namespace banter::data
