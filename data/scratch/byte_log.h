#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "data/scratch/nameless_file.h"

namespace banter::data {

/// Bytes that are put one behind the other into a file without a name and read back by their
/// offset. The latest are held in memory, at most `kBufferBytes` and one piece; the disk space for
/// them is taken before, so that a full disk is told at once.
class ByteLog {
 public:
  static constexpr std::uint64_t kBufferBytes = std::uint64_t{1} << 16;

  /// `folder` takes the file. Throws   FileError
  explicit ByteLog(const std::filesystem::path& folder) : file_(folder) {}

  /// Returns   the offset of the piece. Throws   FileError (disk full)
  std::uint64_t append(std::string_view piece);

  /// Bytes of one piece. Throws   FileError
  void read(std::uint64_t offset, void* data, std::size_t size) const;

 private:
  NamelessFile file_;
  std::string latest_;          ///< whole pieces, behind those that are written
  std::uint64_t written_ = 0;   ///< bytes
  std::uint64_t reserved_ = 0;  ///< bytes of disk, the written ones among them
};

}  // namespace banter::data
