#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/batches/order_cursor.h"
#include "data/batches/pair_batch.h"
#include "data/batches/pair_order.h"
#include "data/batches/position.h"

namespace banter::data {

/// Endless batches of a split's pairs in the order that (seed, epoch) names; hypotheses are cut at
/// `max_reply_tokens` like replies in training.
class PairStream {
 public:
  /// `split` must outlive the stream. Throws   DataError when it has no pair of this choice
  PairStream(const Split& split, const BatchOptions& options, const SpecialIds& special,
             PairChoice choice, std::uint64_t seed);
  /// Of these pairs of it. Throws   DataError when there are none
  PairStream(const Split& split, std::vector<std::uint64_t> pairs, const BatchOptions& options,
             const SpecialIds& special, std::uint64_t seed);

  PairBatch next();                      ///< and moves on
  void skip() { (void)cursor_.next(); }  ///< moves on without making the batch
  /// Of the batch that `next` would give.
  [[nodiscard]] const Position& position() const { return cursor_.position(); }
  /// Throws   DataError when there is no such window or batch
  void seek(const Position& position) { cursor_.seek(position); }
  [[nodiscard]] std::uint64_t pairs() const { return cursor_.order().pairs(); }      ///< an epoch's
  [[nodiscard]] std::uint64_t windows() const { return cursor_.order().windows(); }  ///< an epoch's

 private:
  const Split* split_;
  BatchOptions options_;
  SpecialIds special_;
  OrderCursor<PairOrder> cursor_;
};

/// One pass over a split's pairs in its own order: for validation and metrics.
class PairEvaluationStream {
 public:
  /// `split` must outlive the stream. `length`: of hypotheses, whole where their tokens are what is
  /// judged.
  PairEvaluationStream(const Split& split, const BatchOptions& options, const SpecialIds& special,
                       PairChoice choice, ReplyLength length);

  /// False at the end.
  bool next(PairBatch& batch);
  [[nodiscard]] std::uint64_t pairs() const { return pairs_.size(); }

 private:
  const Split* split_;
  BatchOptions options_;
  SpecialIds special_;
  ReplyLength length_;
  std::vector<std::uint64_t> pairs_;
  std::size_t next_ = 0;
};

}  // namespace banter::data
