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
#include "base/utf8.h"

namespace banter::base {
namespace {

int opened(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) throw FileError(path.string() + ": cannot be opened: " + std::strerror(errno));
  return fd;
}

/// This process, for the message of who comes second: "1234 machine".
std::string own_name() {
  std::array<char, 256> machine{};
  const bool is_named = ::gethostname(machine.data(), machine.size() - 1) == 0;
  return std::to_string(::getpid()) + (is_named ? " " + std::string(machine.data()) : "");
}

/// " (pid 1234 on machine)" of what a holder wrote; "" where it is not known.
std::string shown(const std::string& holder) {
  if (holder.empty()) return "";
  const auto space = holder.find(' ');
  return " (pid " + holder.substr(0, space) +
         (space == std::string::npos ? "" : " on " + holder.substr(space + 1)) + ")";
}

/// Locks an open file and writes who holds it; false when another process does.
bool is_locked(int fd, const std::filesystem::path& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    throw FileError(path.string() + ": cannot be locked: " + std::strerror(errno));
  }
  const auto name = own_name();
  // the lock holds without it
  [[maybe_unused]] const bool is_told =
      ::ftruncate(fd, 0) == 0 && ::pwrite(fd, name.data(), name.size(), 0) > 0;
  return true;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path) : FileLock(opened(path)) {
  if (is_locked(fd_, path)) return;
  std::array<char, 300> holder{};
  [[maybe_unused]] const auto count = ::pread(fd_, holder.data(), holder.size() - 1, 0);
  const auto folder = path.has_parent_path() ? path.parent_path().string() : ".";
  throw FileError(folder + ": another process" + shown(printable(holder.data())) +
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
