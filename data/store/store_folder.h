#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "data/store/split_files.h"
#include "data/tokenizer/tokenizer.h"

namespace banter::data {

/// A file that a manifest names.
struct StoreFile {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// One folder with a manifest: a store, or a shard of one.
struct StoreFolder {
  struct NamedSplit {
    std::string name;
    std::shared_ptr<const SplitFiles> files;
  };

  std::filesystem::path folder;
  boost::json::object manifest;
  std::string hash;  ///< of the manifest's bytes, hex
  std::string corpus_hash, format;
  Tokenizer tokenizer;
  std::vector<NamedSplit> splits;
  std::vector<StoreFile> files;

  /// Checks the manifest, the size of every file and the last rows; `shared` is a tokenizer that
  /// was opened before and is used where it is the same.
  /// Throws   FileError, DataError
  static StoreFolder open(const std::filesystem::path& folder,
                          const std::optional<Tokenizer>& shared = std::nullopt);
};

}  // namespace banter::data
