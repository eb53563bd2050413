#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "data/inspection/keys/key.h"
#include "data/inspection/keys/key_file.h"

namespace banter::data {

/// A bag of keys that is read back in order, of any size in the same memory: a full buffer is
/// sorted and goes as a run into a file, and the runs are merged.
///
/// Cost     the buffer (half as much more while it grows) and 24 bytes a run of memory, 16 bytes of
///          disk a key; n log n time
class SortedKeys {
 public:
  /// `file` takes the runs; others may use it, too. Requires `buffer_bytes` of two keys at least
  SortedKeys(std::shared_ptr<KeyFile> file, std::size_t buffer_bytes);

  /// Throws   FileError (disk full)
  void add(const Key& key);
  /// Moves what is in memory to the file. Throws   FileError
  void spill();

  [[nodiscard]] std::uint64_t size() const { return size_; }  ///< keys added, each time counted

  /// Reads different keys in order, each with how often it was added.
  class Cursor {
   public:
    [[nodiscard]] bool next();  ///< false at the end. Throws   FileError
    [[nodiscard]] const Key& key() const { return key_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }

   private:
    friend class SortedKeys;
    /// A run: what is left of it, in memory and in the file.
    struct Run {
      std::vector<Key> block;
      std::size_t at = 0;
      std::uint64_t begin = 0, end = 0;
    };
    Cursor(const KeyFile& file, std::vector<Run> runs, std::size_t block_keys);
    [[nodiscard]] bool fill(Run& run) const;
    void sift_down(std::size_t at);
    void advance_first();

    const KeyFile* file_;
    std::vector<Run> runs_;  ///< a heap by their next keys, the smallest first
    std::size_t block_keys_;
    Key key_;
    std::uint64_t count_ = 0;
  };
  /// Valid until the next call of `add`, `spill` or `cursor`. Takes one more buffer's memory at
  /// most. Throws   FileError
  [[nodiscard]] Cursor cursor();

 private:
  struct Range {
    std::uint64_t begin, end;  ///< keys of the file
  };
  std::shared_ptr<KeyFile> file_;
  std::size_t buffer_keys_;
  std::vector<Key> buffer_;
  std::vector<Range> runs_;
  std::uint64_t size_ = 0;
};

}  // namespace banter::data
