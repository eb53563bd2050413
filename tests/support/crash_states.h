#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/file_operation.h"

namespace banter::tests {

/// What is in a folder: files with their bytes, folders with a "/" behind their name and nothing.
using Tree = std::map<std::string, std::string>;
Tree read_tree(const std::filesystem::path& folder);
/// Makes the folder have just that in it.
void write_tree(const Tree& tree, const std::filesystem::path& folder);

/// How much of what was not synced reaches the disk.
enum class Loss : std::uint8_t {
  kNothing,  ///< all of it
  kAll,      ///< none of it
  kLate,     ///< names up to some moment; of bytes any
  kAny,      ///< any of it
};

/// What a machine that crashes may leave of a folder that a program wrote into (its journal is of
/// `file_journal_shim`), by what POSIX promises and no more:
///
/// * What is synced is there: bytes and length of a file behind its fsync, names in a folder behind
///   the folder's. A file's fsync says nothing of its name, a folder's nothing of what is below.
/// * All else may be there or not, each by itself: a name without bytes, bytes without the length
///   before them (zeros), part of a write, a rename before the bytes of the renamed file.
/// * A rename is seen whole or not at all, and what happens to one name happens in order.
///
/// Source   Pillai et al. 2014, "All File Systems Are Not Created Equal" (ALICE); LevelDB's
///          FaultInjectionTestEnv; differs: real programs, by their system calls
class CrashStates {
 public:
  /// Before the program begins: what the folder holds, all of it durable.
  explicit CrashStates(const std::filesystem::path& folder);
  /// Reads what was done since. Throws   std::runtime_error where the journal is no such one
  void read_journal(const std::filesystem::path& journal);

  [[nodiscard]] std::size_t operations() const { return operations_.size(); }
  /// What was written by an operation, "" where it wrote nothing.
  [[nodiscard]] std::string_view written(std::size_t number) const;
  /// As if the program had synced no file, or no folder: so a test sees that syncs matter.
  void forget_syncs_of(bool folders);

  /// The folder after a crash behind the first `count` operations. `draw` decides what is lost.
  [[nodiscard]] Tree after_crash(std::size_t count, Loss loss, std::uint64_t draw) const;

 private:
  using Entry = std::pair<std::size_t, std::string>;  ///< a folder (an object) and a name in it
  static constexpr std::size_t kNothing = SIZE_MAX;   ///< what a name that is gone stands for

  struct Operation {
    FileOperation::Kind kind = FileOperation::kCreate;
    std::size_t object = kNothing;                    ///< written, cut, synced
    std::uint64_t offset = 0;                         ///< of a write; the length of a cut
    std::vector<std::pair<Entry, std::size_t>> sets;  ///< names and what they stand for from now on
    std::string first, second;
  };
  struct Object {
    bool is_folder = false;
    std::string bytes;  ///< when the program began
  };

  [[nodiscard]] std::size_t object_of(std::uint64_t number) const;
  std::size_t made(std::uint64_t number, bool is_folder);
  void set(Operation& operation, Entry entry, std::size_t object);
  [[nodiscard]] std::vector<char> kept(std::size_t count, Loss loss, std::uint64_t draw) const;
  void keep_what_names_need(std::vector<char>& kept) const;
  [[nodiscard]] std::string bytes_of(std::size_t object, const std::vector<char>& kept,
                                     std::uint64_t draw) const;

  std::vector<Object> objects_;
  std::map<Entry, std::size_t> before_;  ///< names when the program began
  std::map<Entry, std::size_t> live_;    ///< names as the program sees them
  std::map<std::uint64_t, std::size_t> by_number_;
  std::vector<Operation> operations_;
};

}  // namespace banter::tests
