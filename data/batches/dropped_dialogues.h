#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_set>

#include "data/batches/part.h"
#include "data/pair.h"
#include "data/store/split.h"

namespace banter::data {

/// Tells which sentence pairs were made from dialogues that a part leaves out: what is learned from
/// them is learned from those dialogues, too.
///
/// A pair's group tells, where it is the id or the group of one of the dialogues. Else its
/// sentences do: one of them is said, or stands in a persona, in dropped dialogues and in no kept
/// one (letters and digits compared, in small letters).
/// Cost     some 40 bytes a text of the dialogues
/// Source   Dialogue NLI is made of PersonaChat's sentences: Welleck et al. 2019, arXiv:1811.00671
class DroppedDialogues {
 public:
  /// Adds the dialogues of a split, of which `part` is learned from.
  void add(const Split& split, const Part& part);

  [[nodiscard]] bool made(const Pair& pair) const;

 private:
  /// What kept and what dropped dialogues have, by hashes.
  struct Keys {
    std::unordered_set<std::uint64_t> kept, dropped;
    [[nodiscard]] bool are_dropped(std::uint64_t key) const {
      return dropped.contains(key) && !kept.contains(key);
    }
  };

  void add_text(std::string_view text, bool is_kept);
  [[nodiscard]] bool is_dropped_text(std::string_view text) const;

  Keys names_, texts_;
};

}  // namespace banter::data
