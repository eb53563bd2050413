#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "data/preparation/nameless_file.h"

namespace banter::data {

/// Remembers keys exactly, on disk: an open-addressing table of hashes and a file of the keys, both
/// without a name and gone with the object. So that a corpus of any size is checked for repeated
/// ids in the same memory.
///
/// Cost     32 bytes of disk a key at most, and the key; a few system calls a key
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
  struct Slot {
    std::uint64_t hash = 0;   ///< 0 = empty
    std::uint64_t entry = 0;  ///< where the key stands in the file of keys
  };
  void grow();
  [[nodiscard]] Slot read_slot(std::uint64_t index) const;
  void write_slot(std::uint64_t index, const Slot& slot) const;

  std::filesystem::path folder_;
  NamelessFile table_, keys_;
  std::uint64_t capacity_ = 0, size_ = 0, keys_bytes_ = 0;
};

}  // namespace banter::data
