#pragma once

#include <filesystem>
#include <optional>

namespace banter::base {

/// An exclusive lock on a file, held until destroyed or the process dies (flock). Guards a folder
/// against two writers.
class FileLock {
 public:
  /// Creates `path` when missing.
  /// Throws   FileError at once when another process holds it: names the folder and its pid
  explicit FileLock(const std::filesystem::path& path);
  /// The same, but nothing when another process holds it.
  static std::optional<FileLock> try_lock(const std::filesystem::path& path);
  /// The same, but waits until it is free. Throws   FileError; Stopped when a signal came
  static FileLock wait_for(const std::filesystem::path& path);
  ~FileLock();
  FileLock(FileLock&&) noexcept;
  FileLock& operator=(FileLock&&) = delete;

  /// For a child process that is to hold the lock too, until both have ended.
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace banter::base
