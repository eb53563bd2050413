#pragma once

#include <filesystem>

namespace banter::base {

/// An exclusive lock on a file, held until destroyed or the process dies (flock). Guards a folder
/// against two writers.
class FileLock {
 public:
  /// Creates `path` when missing.
  /// Throws   FileError at once when another process holds it: names the folder and its pid
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(FileLock&&) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace banter::base
