#pragma once

#include <cstdint>

namespace banter::tests {

/// What `file_journal_shim` writes down of one operation, in the machine's byte order: this, then
/// `first_bytes` of the first text and `second_bytes` of the second.
///
///     kind       number          other          offset          first              second
///     kCreate    the file        its folder                     name
///     kMakeFolder the folder     its folder                     name
///     kWrite     the file                       first byte      what was written
///     kTruncate  the file                       new length
///     kSync      file or folder
///     kRename    old folder      new folder                     old name           new name
///     kExchange  one folder      other folder                   name there         name there
///     kRemove    its folder                                     name
///
/// Files and folders are told by their inode number, which a later file may have again.
struct FileOperation {
  enum Kind : std::uint32_t {
    kCreate,
    kMakeFolder,
    kWrite,
    kTruncate,
    kSync,
    kRename,
    kExchange,
    kRemove
  };
  std::uint32_t kind = kCreate;
  std::uint32_t first_bytes = 0;
  std::uint32_t second_bytes = 0;
  std::uint32_t unused = 0;
  std::uint64_t number = 0;
  std::uint64_t other = 0;
  std::uint64_t offset = 0;
};

}  // namespace banter::tests
