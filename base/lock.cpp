#include "base/lock.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"

namespace banter::base {
namespace {

int opened(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) throw FileError(path.string() + ": cannot be opened: " + std::strerror(errno));
  return fd;
}

/// Locks an open file and writes who holds it; false when another process does.
bool is_locked(int fd, const std::filesystem::path& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    throw FileError(path.string() + ": cannot be locked: " + std::strerror(errno));
  }
  const auto pid = std::to_string(::getpid());
  // the pid only serves the message of who comes second: the lock holds without it
  [[maybe_unused]] const bool is_told =
      ::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) > 0;
  return true;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path) : FileLock(opened(path)) {
  if (is_locked(fd_, path)) return;
  std::array<char, 32> pid{};
  const auto count = ::pread(fd_, pid.data(), pid.size() - 1, 0);
  const auto folder = path.has_parent_path() ? path.parent_path().string() : ".";
  throw FileError(folder + ": another process" +
                  (count > 0 ? " (pid " + std::string(pid.data()) + ")" : "") +
                  " is writing here; wait for it or stop it");
}

std::optional<FileLock> FileLock::try_lock(const std::filesystem::path& path) {
  FileLock lock(opened(path));
  if (!is_locked(lock.fd_, path)) return std::nullopt;
  return lock;
}

FileLock FileLock::wait_for(const std::filesystem::path& path) {
  FileLock lock(opened(path));
  while (!is_locked(lock.fd_, path)) {
    if (::flock(lock.fd_, LOCK_EX) != 0 && errno != EINTR)
      throw FileError(path.string() + ": cannot be locked: " + std::strerror(errno));
    throw_if_stopped();
  }
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace banter::base
