#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "base/files.h"
#include "base/hash.h"
#include "data/dialogue.h"
#include "data/tokenizer.h"

namespace banter::data {

/// A dialogue with the ids of its turns and of its facts (all personas, in order).
struct EncodedDialogue {
  Dialogue text;
  std::vector<std::vector<TokenId>> turns;
  std::vector<std::vector<TokenId>> facts;
};

EncodedDialogue encode(Dialogue dialogue, const Tokenizer& tokenizer);

/// Writes a store into a folder that nobody reads yet; the caller renames it when `finish` is done.
/// Cost     memory is independent of how much is written
class StoreWriter {
 public:
  /// Throws   FileError
  StoreWriter(const std::filesystem::path& folder, const Tokenizer& tokenizer,
              const std::vector<std::string>& splits);
  ~StoreWriter();

  /// Appends to one of the splits named at the start. Throws   FileError (disk full)
  void add(const std::string& split, const EncodedDialogue& dialogue);

  /// Writes the tokenizer and the manifest and makes everything durable. `about` (sources, options,
  /// hashes of the input) goes into the manifest as it is.
  void finish(const boost::json::object& about);

 private:
  struct SplitWriter;
  std::filesystem::path folder_;
  Tokenizer tokenizer_;
  base::Sha256 corpus_;
  std::vector<std::pair<std::string, std::unique_ptr<SplitWriter>>> splits_;
};

}  // namespace banter::data
