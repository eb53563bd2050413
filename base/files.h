#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace banter::base {

/// A file's bytes, mapped read-only and shared between processes; unmapped when destroyed.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws   FileError when the path is missing, a folder, or cannot be read
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Bytes of a file. Throws   FileError
std::uint64_t size_of_file(const std::filesystem::path& path);

/// Makes a folder and its parents, unless they are there, durably: what is synced in a folder is
/// lost with it where its own name is not. Throws   FileError
void make_folders(const std::filesystem::path& path);

/// Reads a whole file into a string.
/// Throws   FileError when it is missing, a folder, unreadable, or longer than `max_bytes`
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = 64u << 20);

/// Hands a file's bytes on in pieces of at most 1 MiB; nothing else is held.
/// Throws   FileError, and what `take` throws
void read_in_pieces(const std::filesystem::path& path,
                    const std::function<void(std::string_view)>& take);

/// Writes a file in pieces and makes it durable: continues after short writes and EINTR, syncs on
/// `sync` and `close`. A failed write or sync is final and throws; the half-written file is the
/// caller's to remove (it always stands in a folder or under a name that nobody reads yet).
class FileWriter {
 public:
  /// Creates or truncates `path`. Throws   FileError
  explicit FileWriter(const std::filesystem::path& path);
  /// Goes on behind the first `size` bytes of a file; what stands behind them is cut off.
  /// Throws   FileError, also when the file is missing or shorter
  FileWriter(const std::filesystem::path& path, std::uint64_t size);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();  ///< closes without syncing when `close` was not called

  void write(std::span<const std::byte> bytes);  ///< buffered. Throws   FileError (disk full)
  void write(std::string_view text);
  [[nodiscard]] std::uint64_t size() const { return size_; }  ///< bytes written so far
  void sync();   ///< flushes and fsyncs. Throws   FileError
  void close();  ///< flushes, fsyncs, closes. Throws   FileError

 private:
  void flush();
  std::filesystem::path path_;
  int fd_ = -1;
  std::string buffer_;
  std::uint64_t size_ = 0;
};

/// Replaces `path` by `text`, so that a reader sees the old or the new content and a crash leaves
/// one of them: temporary file beside it, fsync, rename, fsync of the folder.
/// Throws   FileError; then `path` is as it was, or new where only the fsync of the folder failed
void write_durably(const std::filesystem::path& path, std::string_view text);

/// Makes renames and new names in a folder durable. Throws   FileError
void sync_folder(const std::filesystem::path& folder);

/// Gives two folders of one file system each other's names, in one step, and syncs the folder of
/// `b`. Where the file system cannot (EINVAL, ENOSYS), by three renames: a crash between them
/// leaves what was `b` whole under `b` + ".old".
/// Throws   FileError; then `b` is as it was, or exchanged where only the end of it failed
void exchange_durably(const std::filesystem::path& a, const std::filesystem::path& b);

/// Renames `from` (file or folder) to `to` on the same file system and syncs the folder.
/// Throws   FileError
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace banter::base
