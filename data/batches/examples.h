#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "configs/section.h"
#include "data/store/store.h"

namespace banter::data {

/// A reply to be produced and where its context is: a view into a split.
struct Example {
  std::uint64_t dialogue = 0;  ///< number in the split
  std::uint32_t turn = 0;      ///< which turn of it is the reply, >= 1
  bool operator==(const Example&) const = default;
};

/// Which turns are replies.
enum class ReplyBy : std::uint8_t { kAll, kRight, kLast, kSpeaker };

/// How a split becomes batches. Read from `batch`; all of it is stored with the run.
struct BatchOptions {
  std::string shuffle = "dialogue";  ///< dialogue: replies of a dialogue stay together and share
                                     ///< encoded turns; reply: every reply by itself, freely mixed
  /// Of tokens_per_batch: as many as there is memory for. Who trains finds a number to put there.
  static constexpr std::int64_t kAuto = 0;
  std::int64_t tokens_per_batch = 2048;  ///< labels (eos counted) a micro-batch, at most; a longer
                                         ///< reply is alone in its batch
  std::int64_t max_context_turns = 10;   ///< last turns that a reply sees, >= 1
  std::int64_t max_turn_tokens = 100;    ///< a longer turn loses its end, >= 1
  std::int64_t max_reply_tokens = 100;   ///< a longer reply loses its end, and its eos, in training
  std::int64_t max_context_tokens = 1024;  ///< of one reply, facts and special ids counted; the
                                           ///< oldest turns go first, at least one stays
  std::int64_t max_replies_per_part = 64;  ///< a longer dialogue is cut into parts for the order
  std::int64_t window = 256;  ///< batches' worth of replies that are sorted by length together
  /// all (but the first turn)|right (2nd, 4th, ...)|last|speaker:X|auto: what its corpus asks for,
  /// see `usual_replies`.
  std::string reply_by = "auto";
  std::string persona = "turns";  ///< turns: facts come with the batch; none

  static BatchOptions from(configs::Section& section);
};

/// What `reply_by: auto` means for dialogues of a format: `speaker:B` for ConvAI2, the one with
/// "your" persona, whom the model plays, also where he begins; `last` where a row is one context
/// with its reply (Ubuntu v2, PersonalDialog); `all` for the others.
std::string_view usual_replies(std::string_view format);

/// Finds the replies of a dialogue: what `reply_by` means.
class ReplyRule {
 public:
  /// `format` is the split's, for auto.
  /// Throws   ConfigError when it is not auto, all, right, last or speaker:A to speaker:Z
  explicit ReplyRule(std::string_view reply_by, std::string_view format = {});

  [[nodiscard]] bool is_reply(const Split& split, const DialogueView& dialogue,
                              std::uint32_t turn) const;
  [[nodiscard]] std::uint32_t count(const Split& split, const DialogueView& dialogue) const;
  /// The turn of reply `number`, which must be below `count`. O(1), for `speaker:X` O(turns)
  [[nodiscard]] std::uint32_t nth(const Split& split, const DialogueView& dialogue,
                                  std::uint64_t number) const;
  /// The first reply at or behind `turn`; `dialogue.turns` when there is none.
  [[nodiscard]] std::uint32_t next(const Split& split, const DialogueView& dialogue,
                                   std::uint32_t turn) const;

 private:
  ReplyBy by_ = ReplyBy::kAll;
  std::uint16_t speaker_ = 0;
};

/// Labels that a reply of `tokens` ids has in training: eos is one of them, unless the reply was
/// cut at `max_reply_tokens`.
std::int64_t training_labels(std::int64_t tokens, const BatchOptions& options);

/// Ids in the row of a turn of `tokens` ids, its turn end counted.
std::int64_t turn_row_tokens(std::int64_t tokens, const BatchOptions& options);
/// Ids in the row of a fact, its persona symbol and turn end counted.
std::int64_t fact_row_tokens(std::int64_t tokens, const BatchOptions& options);

/// What fits before a reply: the first `facts` facts and the last `turns` turns.
struct ContextCut {
  std::size_t facts = 0, turns = 0;
};

/// Cuts a context by `max_context_turns` and `max_context_tokens`: facts in order while they fit,
/// then turns from the newest while they fit, one in any case.
/// `facts` and `turns` are how many there are, `fact_tokens(i)` and `turn_tokens(i)` the sizes of
/// their rows; turn 0 is the newest.
template <typename FactTokens, typename TurnTokens>
ContextCut cut_context(std::size_t facts, FactTokens&& fact_tokens, std::size_t turns,
                       TurnTokens&& turn_tokens, const BatchOptions& options) {
  ContextCut cut;
  std::int64_t left = options.max_context_tokens;
  while (cut.facts < facts && fact_tokens(cut.facts) <= left) left -= fact_tokens(cut.facts++);
  const auto most = std::min(turns, static_cast<std::size_t>(options.max_context_turns));
  while (cut.turns < most && (cut.turns == 0 || turn_tokens(cut.turns) <= left))
    left -= turn_tokens(cut.turns++);
  return cut;
}

}  // namespace banter::data
