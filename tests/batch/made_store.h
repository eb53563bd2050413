#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/store/store.h"
#include "tests/support/temporary_folder.h"

namespace banter::tests {

/// What dialogues a MadeStore has.
struct MadeDialogues {
  std::uint64_t seed = 1;
  std::size_t dialogues = 60;
  std::size_t most_turns = 12;  ///< some dialogues have one, some this many
  std::size_t most_words = 30;  ///< of a turn; short turns are more frequent
  std::size_t views = 1;        ///< dialogues one after the other that share a group, 1 = no groups
  bool personas = true;
  std::size_t distractors = 0;                    ///< beside every turn from the second on
  std::size_t pairs = 0;                          ///< sentence pairs, a third of each label
  std::vector<std::string> splits = {"train"};    ///< dealt out in turn
  std::optional<data::Tokenizer> tokenizer = {};  ///< of another store; else its own is trained
};

/// A store of made dialogues, in a folder that goes when this goes.
/// Speakers are some of ann, bob, cal and unknown; some have persona facts.
class MadeStore {
 public:
  explicit MadeStore(const MadeDialogues& made = {});
  MadeStore(const MadeStore&) = delete;
  MadeStore& operator=(const MadeStore&) = delete;

  [[nodiscard]] const data::Split& split() const { return store_->split("train"); }
  [[nodiscard]] const data::SpecialIds& special() const { return store_->tokenizer().special(); }
  [[nodiscard]] const data::Store& store() const { return *store_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  std::optional<data::Store> store_;
};

}  // namespace banter::tests
