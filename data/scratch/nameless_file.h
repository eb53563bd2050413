#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace banter::data {

/// A temporary file without a name: its disk space returns whatever happens to the process.
class NamelessFile {
 public:
  /// Throws   FileError that names the folder
  explicit NamelessFile(std::filesystem::path folder);
  NamelessFile(NamelessFile&& other) noexcept;
  NamelessFile& operator=(NamelessFile&& other) noexcept;
  ~NamelessFile();

  /// Takes disk space from `offset` on, so that writing there cannot find the disk full.
  /// Throws   FileError (disk full)
  void reserve(std::uint64_t offset, std::uint64_t size) const;

  /// Throws   FileError (disk full)
  void write_at(std::uint64_t offset, const void* data, std::size_t size) const;

  /// Reads what is there; behind the end of the file the buffer stays as it was.
  /// Throws   FileError
  void read_at(std::uint64_t offset, void* data, std::size_t size) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path folder_;
  int fd_ = -1;
};

}  // namespace banter::data
