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

namespace banter::base {

FileLock::FileLock(const std::filesystem::path& path) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) throw FileError(path.string() + ": cannot be opened: " + std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    std::array<char, 32> pid{};
    const auto count = ::pread(fd_, pid.data(), pid.size() - 1, 0);
    ::close(std::exchange(fd_, -1));
    if (error != EWOULDBLOCK)
      throw FileError(path.string() + ": cannot be locked: " + std::strerror(error));
    const auto folder = path.has_parent_path() ? path.parent_path().string() : ".";
    throw FileError(folder + ": another process" +
                    (count > 0 ? " (pid " + std::string(pid.data()) + ")" : "") +
                    " is writing here; wait for it or stop it");
  }
  const auto pid = std::to_string(::getpid());
  // the pid only serves the message above: the lock holds without it
  [[maybe_unused]] const bool is_told =
      ::ftruncate(fd_, 0) == 0 && ::pwrite(fd_, pid.data(), pid.size(), 0) > 0;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace banter::base
