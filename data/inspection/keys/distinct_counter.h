#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "data/inspection/keys/sorted_keys.h"

namespace banter::data {

/// Counts different texts, exactly and in bounded memory whatever their number (see SortedKeys).
class DistinctCounter {
 public:
  static constexpr std::size_t kBufferBytes = std::size_t{8} << 20;

  /// `file` takes what does not fit into memory.
  explicit DistinctCounter(std::shared_ptr<KeyFile> file, std::size_t buffer_bytes = kBufferBytes)
      : keys_(std::move(file), buffer_bytes) {}

  void add(std::string_view text) { keys_.add(key_of(text)); }  ///< Throws   FileError (disk full)
  void add(const Key& key) { keys_.add(key); }                  ///< the same

  struct Counts {
    std::uint64_t added = 0;     ///< texts
    std::uint64_t distinct = 0;  ///< different ones
    std::uint64_t repeated = 0;  ///< of the different ones: came more than once
  };
  /// More may be added afterwards. Cost   reads all keys. Throws   FileError
  [[nodiscard]] Counts counts();

  [[nodiscard]] SortedKeys& keys() { return keys_; }

 private:
  SortedKeys keys_;
};

/// How much of one bag of texts is in another.
struct SharedKeys {
  std::uint64_t all = 0, distinct = 0;            ///< of the other
  std::uint64_t shared = 0, distinct_shared = 0;  ///< of these, those that are in the one, too
};

/// Reads both once, side by side. Throws   FileError
SharedKeys shared_keys(SortedKeys& one, SortedKeys& other);

}  // namespace banter::data
