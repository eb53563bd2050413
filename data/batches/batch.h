#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <torch/types.h>

#include "data/batches/context.h"
#include "data/batches/examples.h"
#include "data/batches/position.h"

namespace banter::data {

enum class TurnKind : std::int64_t { kTurn = 0, kFact = 1 };

/// Replies with their contexts; each different turn and fact stands in it once.
///
/// A turn's row is its tokens and `turn_end`; a fact's row starts with `persona`. Rows of turns and
/// facts are sorted by falling length, and so are the replies: whoever works token by token runs
/// over the rows that are still alive and skips all padding.
/// M different turns and facts, B replies, U turns, F facts, S reply tokens.
struct Batch {
  torch::Tensor turn_ids;       ///< (M,T) int64, pad behind the end
  torch::Tensor turn_keep;      ///< (M,T) bool, true = real token
  torch::Tensor turn_speaker;   ///< (M) int64, 0 = unknown, 1 = A, ... SpecialIds::kSpeakers = H
                                ///< and all behind H; absolute in the dialogue
  torch::Tensor turn_kind;      ///< (M) int64, TurnKind
  torch::Tensor context;        ///< (B,U) int64 rows of M, oldest first, kept ones first, -1 = none
  torch::Tensor facts;          ///< (B,F) int64 rows of M, -1 = none; of the reply's speaker
  torch::Tensor reply_turn;     ///< (B) int64 row of M that is the reply's own turn, or -1
  torch::Tensor reply_speaker;  ///< (B) int64
  torch::Tensor decoder_input;  ///< (B,S) int64: bos, y_1 .. y_{S-1}
  torch::Tensor labels;         ///< (B,S) int64: y_1 .. eos; -100 = not counted
  std::vector<Example> examples;  ///< B: which replies these are; from Contexts: `dialogue`
                                  ///< is the number of the context
  std::vector<std::int64_t> words, bytes;  ///< B: of the reply's text; 0 when there is none
  std::int64_t label_count = 0;            ///< labels that are not -100
  TokenId pad = 0;                         ///< what stands where turn_keep is false

  [[nodiscard]] std::int64_t replies() const { return context.size(0); }
  /// This batch with `make` of each tensor in its place.
  template <typename Make>
  [[nodiscard]] Batch with_each(const Make& make) const {
    auto made = *this;
    for (auto* tensor :
         {&made.turn_ids, &made.turn_keep, &made.turn_speaker, &made.turn_kind, &made.context,
          &made.facts, &made.reply_turn, &made.reply_speaker, &made.decoder_input, &made.labels})
      *tensor = make(*tensor);
    return made;
  }
  [[nodiscard]] Batch to(torch::Device device) const;

  /// The single stream that flat models read: facts, then context turns, oldest first, between
  /// `context_begin` and `context_end` of `special` where there are such ids; these count to the
  /// turns beside them.
  struct Joined {
    torch::Tensor ids;      ///< (B,J) int64
    torch::Tensor keep;     ///< (B,J) bool
    torch::Tensor speaker;  ///< (B,J) int64: of the token's turn
    torch::Tensor source;  ///< (B,J) int64: place in [facts; context] the token came from, -1 = pad
  };
  [[nodiscard]] Joined joined(const SpecialIds& special = {}) const;
};

/// Makes the batch of these contexts, under the limits of `options`; replies are kept whole.
///
/// Turns with equal ids and speaker share a row. Replies are sorted by falling length like in any
/// batch, equal lengths in the order given (so contexts without replies keep theirs):
/// `examples[b].dialogue` says which context row b is.
/// Throws   DataError when there is no context, or one has neither a turn nor a fact
Batch make_batch(const std::vector<Context>& contexts, const BatchOptions& options,
                 const SpecialIds& special);

/// What happens to a reply longer than `max_reply_tokens`.
enum class ReplyLength : std::uint8_t { kCut, kWhole };

/// Makes the batch of these replies of a split, under the limits of `options`.
Batch make_batch(const Split& split, std::span<const Example> examples, const BatchOptions& options,
                 const SpecialIds& special, ReplyLength length);

/// A reply of a split with all of its context that `options` could let through, by value.
Context context_of(const Split& split, const Example& example, const BatchOptions& options);

/// Endless batches of a split in the order that (seed, epoch) names; no shuffled table is made.
class BatchStream {
 public:
  /// `split` must outlive the stream. Throws   DataError when it has no reply
  BatchStream(const Split& split, const BatchOptions& options, const SpecialIds& special,
              std::uint64_t seed);
  ~BatchStream();

  Batch next();                             ///< and moves on
  [[nodiscard]] Position position() const;  ///< of the batch that `next` would give
  /// Throws   DataError when there is no such window or batch
  void seek(const Position& position);
  [[nodiscard]] std::uint64_t replies() const;  ///< an epoch's
  [[nodiscard]] std::uint64_t windows() const;  ///< an epoch's

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One pass over a split in its own order, nothing cut from replies: for validation and metrics.
class EvaluationStream {
 public:
  /// `split` must outlive the stream.
  EvaluationStream(const Split& split, const BatchOptions& options, const SpecialIds& special);
  ~EvaluationStream();
  /// False at the end.
  bool next(Batch& batch);
  [[nodiscard]] std::uint64_t replies() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banter::data
