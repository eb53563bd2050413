#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "data/scratch/byte_log.h"
#include "data/scratch/slot_table.h"

namespace banter::data {

/// Remembers keys exactly, on disk: an open-addressing table of hashes and a file of the keys, both
/// without a name and gone with the object. So that a corpus of any size is checked for repeated
/// ids in the same memory.
///
/// Cost     the table in memory up to a million keys (32 MiB, half as much again while it grows),
///          then 64 bytes of disk a key at most (96 while it grows) and a few system calls; the
///          keys on disk
class SeenKeys {
 public:
  /// What was remembered with a key when it came first.
  struct First {
    std::string note;
    std::uint64_t mark = 0;
  };

  /// `folder` takes the files. Throws   FileError
  explicit SeenKeys(const std::filesystem::path& folder);

  /// Nothing when the key is new (it is remembered with note and mark), else what came with it
  /// the first time. Throws   FileError (disk full)
  std::optional<First> add(std::string_view key, std::string_view note = {},
                           std::uint64_t mark = 0);

  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  SlotTable table_;  ///< hash of a key -> where its entry stands
  ByteLog entries_;
  std::string entry_;  ///< the one being made
  std::uint64_t size_ = 0;
};

}  // namespace banter::data
