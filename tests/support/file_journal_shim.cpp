// Preloaded into a program (LD_PRELOAD) it writes down, in order, what the program does to what is
// in the folder BANTER_JOURNAL_OF, in the file BANTER_JOURNAL (see file_operation.h). System calls
// are made directly, so nothing here looks for the functions that it stands before. With
// BANTER_JOURNAL_SPACE the disk of that folder is full behind so many bytes that were written.

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/support/file_operation.h"

namespace {

using banter::tests::FileOperation;

std::mutex& mutex() {
  static auto* one = new std::mutex;  // never destroyed: files are written until the very end
  return *one;
}

const std::string& root() {
  static const auto* one = new std::string([] {
    const char* named = std::getenv("BANTER_JOURNAL_OF");
    return std::string(named == nullptr ? "" : named);
  }());
  return *one;
}

int raw_open(int folder, const char* path, int flags, mode_t mode) {
  return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}

int journal() {
  static const int fd = [] {
    const char* named = std::getenv("BANTER_JOURNAL");
    return named == nullptr
               ? -1
               : raw_open(AT_FDCWD, named, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }();
  return fd;
}

/// Appends one operation, and ends the program where that is impossible: a journal with a hole
/// would prove nothing.
void note(FileOperation operation, std::string_view first = {}, std::string_view second = {}) {
  operation.first_bytes = static_cast<std::uint32_t>(first.size());
  operation.second_bytes = static_cast<std::uint32_t>(second.size());
  std::string text(reinterpret_cast<const char*>(&operation), sizeof operation);
  text.append(first).append(second);
  const auto written = ::syscall(SYS_write, journal(), text.data(), text.size());
  if (written != static_cast<long>(text.size())) std::abort();
}

std::string path_of(int fd) {
  char text[PATH_MAX];
  const auto name = "/proc/self/fd/" + std::to_string(fd);
  const auto size = ::syscall(SYS_readlink, name.c_str(), text, sizeof text);
  return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

std::string whole_path(int folder, const char* path) {
  std::string whole = path;
  if (!whole.starts_with('/')) {
    char here[PATH_MAX];
    const bool is_here = folder == AT_FDCWD && ::getcwd(here, sizeof here) != nullptr;
    whole = (is_here ? std::string(here) : path_of(folder)) + "/" + whole;
  }
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

/// Strictly below the folder that is written about.
bool is_inside(std::string_view path) {
  return !root().empty() && path.size() > root().size() && path.starts_with(root()) &&
         path[root().size()] == '/';
}

std::uint64_t number_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::uint64_t number_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

struct Place {
  explicit Place(const std::string& path)
      : folder(number_of(path.substr(0, path.rfind('/')))),
        name(path.substr(path.rfind('/') + 1)) {}
  std::uint64_t folder;
  std::string name;
};

int opened(int folder, const char* path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) == O_RDONLY && (flags & O_CREAT) == 0)
    return raw_open(folder, path, flags, mode);
  const auto whole = whole_path(folder, path);
  if (!is_inside(whole)) return raw_open(folder, path, flags, mode);
  const std::lock_guard lock(mutex());
  const bool was_there = number_of(whole) != 0;
  const int fd = raw_open(folder, path, flags, mode);
  if (fd < 0) return fd;
  const int error = errno;
  const Place place(whole);
  if (!was_there) {
    note({.kind = FileOperation::kCreate, .number = number_of(fd), .other = place.folder},
         place.name);
  } else if ((flags & O_TRUNC) != 0) {
    note({.kind = FileOperation::kTruncate, .number = number_of(fd)});
  }
  errno = error;
  return fd;
}

/// How many of some bytes still have room.
std::size_t with_room(std::size_t bytes) {
  static std::size_t left = [] {
    const char* space = std::getenv("BANTER_JOURNAL_SPACE");
    return space == nullptr ? SIZE_MAX : std::strtoull(space, nullptr, 10);
  }();
  const auto taken = bytes < left ? bytes : left;
  left -= taken;
  return taken;
}

ssize_t noted_write(int fd, std::string_view bytes, off_t offset) {
  const auto write_it = [&] {
    return offset < 0 ? ::syscall(SYS_write, fd, bytes.data(), bytes.size())
                      : ::syscall(SYS_pwrite64, fd, bytes.data(), bytes.size(), offset);
  };
  if (!is_inside(path_of(fd))) return write_it();
  const std::lock_guard lock(mutex());
  const bool is_empty = bytes.empty();
  bytes = bytes.substr(0, with_room(bytes.size()));
  if (bytes.empty() && !is_empty) {
    errno = ENOSPC;
    return -1;
  }
  const auto written = write_it();
  if (written <= 0) return written;
  const int error = errno;
  const auto end = offset < 0 ? ::syscall(SYS_lseek, fd, 0, SEEK_CUR) : offset + written;
  note({.kind = FileOperation::kWrite,
        .number = number_of(fd),
        .offset = static_cast<std::uint64_t>(end - written)},
       bytes.substr(0, static_cast<std::size_t>(written)));
  errno = error;
  return written;
}

int synced(long call, int fd) {
  const auto path = path_of(fd);
  if (!is_inside(path) && path != root()) return static_cast<int>(::syscall(call, fd));
  const std::lock_guard lock(mutex());
  const int result = static_cast<int>(::syscall(call, fd));
  if (result == 0) note({.kind = FileOperation::kSync, .number = number_of(fd)});
  return result;
}

int truncated(int fd, off_t size) {
  const std::lock_guard lock(mutex());
  const int result = static_cast<int>(::syscall(SYS_ftruncate, fd, size));
  if (result == 0 && is_inside(path_of(fd)))
    note({.kind = FileOperation::kTruncate,
          .number = number_of(fd),
          .offset = static_cast<std::uint64_t>(size)});
  return result;
}

int renamed(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  const auto old_path = whole_path(from_folder, from), new_path = whole_path(to_folder, to);
  const std::lock_guard lock(mutex());
  const auto result =
      static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
  if (result != 0 || !is_inside(old_path) || !is_inside(new_path)) return result;
  const Place old_place(old_path), new_place(new_path);
  const bool is_exchange = flags == RENAME_EXCHANGE;
  note({.kind = is_exchange ? FileOperation::kExchange : FileOperation::kRename,
        .number = old_place.folder,
        .other = new_place.folder},
       old_place.name, new_place.name);
  return result;
}

int made_folder(int folder, const char* path, mode_t mode) {
  const auto whole = whole_path(folder, path);
  const std::lock_guard lock(mutex());
  const int result = static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
  if (result != 0 || !is_inside(whole)) return result;
  const Place place(whole);
  note({.kind = FileOperation::kMakeFolder, .number = number_of(whole), .other = place.folder},
       place.name);
  return result;
}

int removed(int folder, const char* path, int flags) {
  const auto whole = whole_path(folder, path);
  const std::lock_guard lock(mutex());
  const int result = static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
  if (result != 0 || !is_inside(whole)) return result;
  const Place place(whole);
  note({.kind = FileOperation::kRemove, .number = place.folder}, place.name);
  return result;
}

mode_t mode_of(int flags, va_list& rest) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): those of libc are reserved
extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = mode_of(flags, rest);
  va_end(rest);
  return opened(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const auto mode = mode_of(flags, rest);
  va_end(rest);
  return opened(folder, path, flags, mode);
}
int creat(const char* path, mode_t mode) {
  return opened(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  return noted_write(fd, {static_cast<const char*>(bytes), size}, -1);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return noted_write(fd, {static_cast<const char*>(bytes), size}, offset);
}
ssize_t writev(int fd, const iovec* pieces, int count) {
  std::string whole;
  for (int i = 0; i < count; ++i)
    whole.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return noted_write(fd, whole, -1);
}

int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t size) noexcept { return truncated(fd, size); }

int rename(const char* from, const char* to) noexcept {
  return renamed(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return renamed(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
  return renamed(from_folder, from, to_folder, to, flags);
}

int mkdir(const char* path, mode_t mode) noexcept { return made_folder(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return made_folder(folder, path, mode);
}

int unlink(const char* path) noexcept { return removed(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return removed(folder, path, flags);
}
int rmdir(const char* path) noexcept { return removed(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  const int result = removed(AT_FDCWD, path, 0);
  return result == 0 || errno != EISDIR ? result : removed(AT_FDCWD, path, AT_REMOVEDIR);
}

// The names that large files have on machines where that is a difference.
int open64(const char* path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char* path, int flags, ...) __attribute__((alias("openat")));
int creat64(const char* path, mode_t mode) __attribute__((alias("creat")));
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset)
    __attribute__((alias("pwrite")));
int ftruncate64(int fd, off64_t size) noexcept __attribute__((alias("ftruncate")));

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
