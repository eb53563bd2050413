#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "data/inspection/keys/key.h"
#include "data/scratch/nameless_file.h"

namespace banter::data {

/// A temporary file of keys for all who do not want to hold theirs in memory, so that many of them
/// need one open file. Made when the first key comes; its disk space returns as a whole.
///
/// Threads  one at a time, whoever shares it
class KeyFile {
 public:
  /// `folder` takes the file.
  explicit KeyFile(std::filesystem::path folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  /// Returns   the number of the first of these keys in the file. Throws   FileError (disk full)
  std::uint64_t append(std::span<const Key> keys);

  /// Reads keys from that number on; they must be there. Throws   FileError
  void read(std::uint64_t first, std::span<Key> keys) const;

 private:
  std::filesystem::path folder_;
  std::optional<NamelessFile> file_;
  std::uint64_t size_ = 0;  ///< keys
};

}  // namespace banter::data
