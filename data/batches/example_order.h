#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/batches/examples.h"
#include "data/batches/subset.h"

namespace banter::data {

/// In which order training meets the replies of a split, as a pure function of (seed, epoch,
/// window): nothing is shuffled in memory, and any window of any epoch is reached at once.
///
/// What is learned from of the split is cut into parts: at most `max_replies_per_part` neighbouring
/// replies of one dialogue
/// (`shuffle: dialogue`) or one reply (`shuffle: reply`). A keyed permutation orders the parts of
/// an epoch; neighbours in that order form windows; the parts of a window are sorted by their
/// longest reply, cut into batches by the label budget, and the batches stand in a keyed order
/// again. A part stays in one batch unless it is larger than the whole budget.
///
/// Threads  any; the split must outlive it
/// Cost     making it reads the lengths of all turns once. It keeps 8 bytes for every 32 dialogues,
///          and 8 for each where they are not all of the split; a window costs
///          O(parts * (log dialogues + 32)) time, with `speaker:X` also the turns of up to 32
///          dialogues a part, and O(replies of a window) memory
class ExampleOrder {
 public:
  /// Of all dialogues of a split. Throws   DataError when it has no reply
  ExampleOrder(const Split& split, const BatchOptions& options, std::uint64_t seed);
  /// Of these. Throws   DataError when they have no reply
  ExampleOrder(const Split& split, Subset dialogues, const BatchOptions& options,
               std::uint64_t seed);

  [[nodiscard]] std::uint64_t dialogues() const { return dialogues_.size(); }
  [[nodiscard]] std::uint64_t replies() const { return replies_; }  ///< an epoch's
  [[nodiscard]] std::uint64_t labels() const { return labels_; }    ///< an epoch's, eos counted
  [[nodiscard]] std::uint64_t windows() const { return windows_; }  ///< an epoch's
  [[nodiscard]] const std::string& name() const { return split_->name(); }

  /// The batches of one window, in the order of training; replies of a part stand together.
  /// Throws   DataError when `window` is not below `windows()`
  [[nodiscard]] std::vector<std::vector<Example>> window(std::uint64_t epoch,
                                                         std::uint64_t window) const;

 private:
  struct Part;
  [[nodiscard]] std::uint64_t parts_of(std::uint64_t replies) const;
  Part part(std::uint64_t number, std::vector<Example>& examples) const;

  const Split* split_;
  Subset dialogues_;
  BatchOptions options_;
  ReplyRule rule_;
  std::uint64_t seed_ = 0;
  std::uint64_t replies_per_part_ = 1;
  std::uint64_t replies_ = 0, labels_ = 0, parts_ = 0, windows_ = 0;
  std::vector<std::uint64_t> parts_before_;  ///< before place 0, 32, 64, ... of them
};

}  // namespace banter::data
