#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/batches/batch.h"
#include "data/batches/example_order.h"
#include "data/batches/order_cursor.h"
#include "data/batches/part.h"
#include "data/batches/position.h"

namespace banter::data {

/// Which of several things comes at place `number` when each is to come as often as its share says
/// and as evenly as can be: the additive recurrence of the golden ratio, cut at the shares.
///
/// Returns  an index; among any n places in a row thing i comes shares[i] * n times, give or take
///          a few. Requires  shares that are positive and sum to 1
/// Source   Kuipers and Niederreiter 1974, Uniform Distribution of Sequences, 2.3 (its discrepancy)
std::size_t pick(std::uint64_t number, const std::vector<double>& shares);

/// Batches of several splits, or of parts of them, mixed: each comes from one of them, and each is
/// gone through in its own order as by a BatchStream. One split is the plain stream.
class BatchMix {
 public:
  struct Source {
    const Split* split = nullptr;  ///< must outlive the mix
    double weight = 1;             ///< of its labels among all, > 0
    Part part = {};                ///< that is learned from
  };
  /// `sources`: one at least; they share their tokenizer. Throws   DataError when one has no reply
  BatchMix(const std::vector<Source>& sources, const BatchOptions& options,
           const SpecialIds& special, std::uint64_t seed);

  Batch next();                                ///< and moves on
  void skip();                                 ///< moves on without making the batch
  [[nodiscard]] MixPosition position() const;  ///< of the batch that `next` would give
  /// Throws   DataError when there is no such place, or it is of another number of splits
  void seek(const MixPosition& position);

  /// Of the first split.
  [[nodiscard]] std::uint64_t windows() const { return cursors_.front().order().windows(); }
  /// Of all splits, in an epoch of each.
  [[nodiscard]] std::uint64_t dialogues() const;
  [[nodiscard]] std::uint64_t replies() const;

 private:
  BatchOptions options_;
  SpecialIds special_;
  std::uint64_t batches_ = 0;
  std::vector<double> shares_;
  std::vector<const Split*> splits_;
  std::vector<OrderCursor<ExampleOrder>> cursors_;  ///< one a split
};

}  // namespace banter::data
