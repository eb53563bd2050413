#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "data/store/encoded.h"
#include "data/store/hashed_file.h"
#include "data/store/split_counts.h"

namespace banter::data {

/// Writes the files of one split.
class SplitWriter {
 public:
  /// Makes the folder and empty files; `is_wide`: ids take four bytes, not two. Throws   FileError
  SplitWriter(const std::filesystem::path& folder, bool is_wide);
  /// Goes on behind what `counts` says. Throws   FileError
  SplitWriter(const std::filesystem::path& folder, bool is_wide, const SplitCounts& counts);

  void add(const EncodedRecord& record);  ///< Throws   FileError (disk full)
  void sync();                            ///< what was added is durable
  [[nodiscard]] const SplitCounts& counts() const { return counts_; }
  /// Ends the files. Returns  the split's entry in the manifest, without its name
  boost::json::object close();

 private:
  void add_one(const EncodedDialogue& dialogue);
  void add_one(const EncodedPair& pair);
  void write_ids(HashedFile& file, const std::vector<TokenId>& ids, std::uint64_t& count);
  std::array<HashedFile*, 11> files();

  bool wide_;
  std::string row_;  ///< ids being packed
  SplitCounts counts_;
  HashedFile dialogues_, turns_, tokens_, facts_, fact_tokens_;
  HashedFile distractors_, distractor_tokens_, texts_, pairs_, pair_tokens_, pair_texts_;
};

}  // namespace banter::data
