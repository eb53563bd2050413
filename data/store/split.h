#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/record.h"
#include "data/store/split_counts.h"
#include "data/tokenizer/tokenizer.h"

namespace banter::data {

class SplitFiles;

/// One dialogue of a split, as places in it.
struct DialogueView {
  std::uint64_t first_turn = 0;  ///< number of its first turn in the split
  std::uint32_t turns = 0;       ///< how many, in order
  std::uint64_t first_fact = 0;  ///< number of its first persona fact in the split
  std::uint32_t facts = 0;
};

/// One part (train, valid, ...) of a store: every turn's ids once, in flat memory-mapped arrays.
/// A dialogue of N turns costs N turns. Where the store was made in shards, their dialogues come
/// one shard after the other. Reading is thread-safe; views live as long as the Store.
class Split {
 public:
  /// Of these shards, at least one.
  Split(std::string name, std::string format,
        std::vector<std::shared_ptr<const SplitFiles>> shards);

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const std::string& format() const;  ///< of its store's first source
  [[nodiscard]] const SplitCounts& counts() const;
  [[nodiscard]] std::uint64_t dialogues() const { return counts().dialogues; }
  [[nodiscard]] std::uint64_t turns() const { return counts().turns; }
  /// Of all turns, without special ids.
  [[nodiscard]] std::uint64_t tokens() const { return counts().tokens; }
  [[nodiscard]] std::uint64_t pairs() const { return counts().pairs; }

  [[nodiscard]] DialogueView dialogue(std::uint64_t index) const;
  [[nodiscard]] std::uint32_t turn_length(std::uint64_t turn) const;  ///< tokens
  /// Copies the ids of a turn, at most `max` of them from its start, behind `out`.
  void append_turn(std::uint64_t turn, std::vector<TokenId>& out,
                   std::uint32_t max = UINT32_MAX) const;
  [[nodiscard]] std::uint16_t turn_speaker(std::uint64_t turn) const;  ///< 0 = unknown, 1 = A, ...
  /// White-space words of the text.
  [[nodiscard]] std::uint32_t turn_words(std::uint64_t turn) const;
  [[nodiscard]] std::uint32_t turn_bytes(std::uint64_t turn) const;  ///< UTF-8 bytes of the text

  [[nodiscard]] std::uint32_t fact_length(std::uint64_t fact) const;
  void append_fact(std::uint64_t fact, std::vector<TokenId>& out,
                   std::uint32_t max = UINT32_MAX) const;
  [[nodiscard]] std::uint16_t fact_speaker(std::uint64_t fact) const;

  /// How many false replies stand beside a turn. O(log of all of them)
  [[nodiscard]] std::uint32_t distractors(std::uint64_t turn) const;
  /// Copies the ids of one of them behind `out`.
  void append_distractor(std::uint64_t turn, std::uint32_t number, std::vector<TokenId>& out,
                         std::uint32_t max = UINT32_MAX) const;

  [[nodiscard]] std::string_view id(std::uint64_t dialogue) const;  ///< as in the corpus
  /// Dialogues of one group tell the same talk; "" where the corpus gives none. Decodes no text.
  [[nodiscard]] std::string group(std::uint64_t dialogue) const;
  /// The record as it was read: texts decoded from ids, speakers' names, times, meta, personas.
  [[nodiscard]] Dialogue record(std::uint64_t dialogue) const;

  [[nodiscard]] Label pair_label(std::uint64_t pair) const;
  [[nodiscard]] std::uint32_t premise_length(std::uint64_t pair) const;     ///< tokens
  [[nodiscard]] std::uint32_t hypothesis_length(std::uint64_t pair) const;  ///< tokens
  void append_premise(std::uint64_t pair, std::vector<TokenId>& out,
                      std::uint32_t max = UINT32_MAX) const;
  void append_hypothesis(std::uint64_t pair, std::vector<TokenId>& out,
                         std::uint32_t max = UINT32_MAX) const;
  [[nodiscard]] Pair pair_record(std::uint64_t pair) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace banter::data
