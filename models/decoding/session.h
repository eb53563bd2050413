#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "data/batches/batch.h"
#include "models/decoding/composed.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// A live conversation: keeps its turns encoded between replies, so that a reply costs the encoding
/// of what is new (the last answer and what was said to it) and not of the history.
///
/// Only the turns that the model's limits let a reply see are kept. Values equal those of encoding
/// the whole context again.
/// Threads  one at a time; the model must outlive it
class ChatSession {
 public:
  /// `limits`: those the model was trained under.
  ChatSession(DialogueModel& model, const data::BatchOptions& limits);

  /// Replaces the facts about the speaker who replies; ids without special ids. Those that stay
  /// are not encoded again, nor are turns.
  void set_facts(std::vector<data::Context::Row> facts);
  /// Replaces the turns; those that stay are not encoded again.
  void set_turns(const std::vector<data::Context::Row>& turns);
  void add_turn(data::Context::Row turn);
  void take_back_turn();  ///< the newest one; there must be one
  void reset();           ///< forgets the turns, not the facts

  /// The memory that a reply by `reply_speaker` reads: encodes what is new, then composes; in eval
  /// mode, under InferenceMode. `with_tokens`: `Composed::tokens` too.
  /// Throws   DataError when there is neither a turn nor a fact
  Composed compose(std::int64_t reply_speaker, bool with_tokens = false);
  /// Encodes what is new and composes nothing: work that the next `compose` finds done.
  void encode();
  /// The memory of a reply that begins a conversation: it reads neither turns nor facts.
  Composed compose_nothing(std::int64_t reply_speaker);

  /// The turns that the next reply can see at most, oldest first.
  [[nodiscard]] const std::deque<data::Context::Row>& turns() const { return turns_; }
  [[nodiscard]] const std::vector<data::Context::Row>& facts() const { return facts_; }
  [[nodiscard]] std::int64_t encoded_rows() const { return encoded_rows_; }  ///< so far, in all
  /// Tokens of those rows, and of all rows that the last reply read, marks of turns included.
  [[nodiscard]] std::int64_t encoded_tokens() const { return encoded_tokens_; }
  [[nodiscard]] std::int64_t read_tokens() const { return read_tokens_; }
  [[nodiscard]] std::int64_t bytes() const;  ///< of what is kept encoded

 private:
  /// Rows of `kept_`, -1 = not encoded yet.
  using Places = std::deque<std::int64_t>;
  void keep_only(std::size_t facts, std::size_t turns);
  void encode_new(const data::Batch& batch);
  data::Batch read(std::int64_t reply_speaker, Composed& composed);

  DialogueModel& model_;
  data::BatchOptions limits_;
  std::vector<data::Context::Row> facts_;
  std::deque<data::Context::Row> turns_;
  Places fact_places_, turn_places_;
  Kept kept_;
  std::int64_t encoded_rows_ = 0, encoded_tokens_ = 0, read_tokens_ = 0;
};

}  // namespace banter::models
