#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/store/shard.h"
#include "data/store/split.h"
#include "data/tokenizer/tokenizer.h"

namespace banter::data {

/// A folder written by `banter prepare`: tokenizer, splits, and a manifest with sizes and hashes;
/// or a folder of such folders, the shards that several runs prepared, which are used as one
/// without copying. Opens in milliseconds; pages are shared between processes.
class Store {
 public:
  /// Throws   FileError when the folder or a file is missing; DataError when a manifest is damaged,
  ///          of another version, a file's size disagrees with it, or the shards are not all there
  ///          or do not belong together
  static Store open(const std::filesystem::path& folder);

  /// Reads everything and compares SHA-256; `read` is told how many more bytes were read.
  /// Throws   FileError, DataError naming the file; Stopped when a signal has come
  void verify(const std::function<void(std::uint64_t)>& read = [](std::uint64_t) {}) const;

  [[nodiscard]] const Split& split(
      std::string_view name) const;  ///< Throws   DataError, lists them
  [[nodiscard]] bool has_split(std::string_view name) const;
  [[nodiscard]] const std::vector<Split>& splits() const;
  [[nodiscard]] const Tokenizer& tokenizer() const;
  /// Of all records in order, hex; of shards, of theirs.
  [[nodiscard]] const std::string& corpus_hash() const;
  [[nodiscard]] const std::string& hash() const;  ///< of the manifests: names data + tokenizer
  [[nodiscard]] const std::filesystem::path& folder() const;
  [[nodiscard]] std::string format() const;  ///< "jsonl", "ubuntu_v1", ...: of its first source

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

/// Whether a path is the folder of a store, or of its shards (sound or not).
bool is_store(const std::filesystem::path& path);

}  // namespace banter::data
