#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "data/scratch/nameless_file.h"

namespace banter::data {

/// A place of an open-addressing table.
struct Slot {
  std::uint64_t hash = 0;   ///< 0 = empty
  std::uint64_t entry = 0;  ///< what stands there, for the table's owner
};

/// A table of slots that grows: in memory up to `kMaxInMemory` of them, beyond that in a file
/// without a name, of which the slots read last are kept.
class SlotTable {
 public:
  static constexpr std::uint64_t kMaxInMemory = std::uint64_t{1} << 21;  ///< slots: 32 MiB

  /// `folder` takes the file, where there are more slots than `max_in_memory`.
  explicit SlotTable(std::filesystem::path folder, std::uint64_t max_in_memory = kMaxInMemory);

  /// Slots, a power of two.
  [[nodiscard]] std::uint64_t capacity() const { return capacity_; }

  /// The first slot from the hash's place on that is empty or `is_it`. Throws   FileError
  template <typename Is>
  std::uint64_t find(std::uint64_t hash, const Is& is_it) {
    for (auto index = place_of(hash);; index = (index + 1) & (capacity_ - 1)) {
      const auto slot = read(index);
      if (slot.hash == 0 || (slot.hash == hash && is_it(slot))) return index;
    }
  }

  [[nodiscard]] Slot read(std::uint64_t index);       ///< Throws   FileError
  void write(std::uint64_t index, const Slot& slot);  ///< Throws   FileError (disk full)
  void grow();  ///< doubles it; every slot finds its new place. Throws   FileError (disk full)

 private:
  static constexpr std::uint64_t kBlock = 32;  ///< slots that are read at once from the file

  [[nodiscard]] std::uint64_t place_of(std::uint64_t hash) const {
    return hash >> 1U & (capacity_ - 1);  // the lowest bit is for being not empty
  }
  void insert(const Slot& slot);

  std::filesystem::path folder_;
  std::uint64_t max_in_memory_;
  std::uint64_t capacity_;
  std::vector<Slot> slots_;           ///< all of them, while they are in memory
  std::optional<NamelessFile> file_;  ///< else
  std::array<Slot, kBlock> block_{};  ///< of the file
  std::optional<std::uint64_t> block_begin_;
};

}  // namespace banter::data
