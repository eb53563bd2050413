#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json.hpp>

#include "data/store/corpus_hash.h"
#include "data/store/encoded.h"

namespace banter::data {

class SplitWriter;

/// Writes a store into a folder that nobody reads yet; the caller renames it when `finish` is done.
/// Cost     memory is independent of how much is written
class StoreWriter {
 public:
  /// An empty store; its splits are those that records come for.
  StoreWriter(std::filesystem::path folder, const Tokenizer& tokenizer);
  /// Goes on where `checkpoint` was called; what was written later is cut off. The records that it
  /// holds must come again, through `skip`, since the corpus hash is of all of them.
  /// Throws   FileError, DataError
  StoreWriter(std::filesystem::path folder, const Tokenizer& tokenizer,
              const boost::json::object& checkpoint);
  ~StoreWriter();

  /// Appends to a split. Throws   FileError (disk full)
  void add(std::string_view split, const EncodedRecord& record);
  /// Takes a record that is there already into the corpus hash.
  void skip(std::string_view split, const Record& record) { corpus_.add(split, record); }

  [[nodiscard]] std::uint64_t records() const;  ///< of all splits, those that were there counted

  /// Makes all that was added durable. Returns   what the second constructor needs
  [[nodiscard]] boost::json::object checkpoint();

  /// Writes the tokenizer and the manifest and makes everything durable. `about` (sources, options,
  /// hashes of the input) goes into the manifest as it is.
  void finish(const boost::json::object& about);

 private:
  [[nodiscard]] bool is_wide() const;

  std::filesystem::path folder_;
  Tokenizer tokenizer_;
  CorpusHash corpus_;
  std::map<std::string, std::unique_ptr<SplitWriter>, std::less<>> splits_;  ///< train first
};

}  // namespace banter::data
