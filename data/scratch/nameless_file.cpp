#include "data/scratch/nameless_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::data {

NamelessFile::NamelessFile(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::string name = (folder_ / "banter-XXXXXX").string();
  fd_ = ::mkstemp(name.data());
  if (fd_ < 0) fail("made");
  ::unlink(name.c_str());
}

NamelessFile::NamelessFile(NamelessFile&& other) noexcept
    : folder_(std::move(other.folder_)), fd_(std::exchange(other.fd_, -1)) {}

NamelessFile& NamelessFile::operator=(NamelessFile&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(fd_, other.fd_);
  return *this;
}

NamelessFile::~NamelessFile() {
  if (fd_ >= 0) ::close(fd_);
}

void NamelessFile::fail(const std::string& what) const {
  const int error = errno;
  throw base::FileError(base::printable(folder_.string(), 1000) +
                        ": a temporary file in it cannot be " + what + ": " + std::strerror(error));
}

void NamelessFile::reserve(std::uint64_t offset, std::uint64_t size) const {
  do {
    errno = ::posix_fallocate(fd_, static_cast<off_t>(offset), static_cast<off_t>(size));
  } while (errno == EINTR);
  if (errno != 0) fail("written");
}

void NamelessFile::write_at(std::uint64_t offset, const void* data, std::size_t size) const {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const auto count = ::pwrite(fd_, bytes, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("written");
    bytes += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
}

void NamelessFile::read_at(std::uint64_t offset, void* data, std::size_t size) const {
  auto* bytes = static_cast<char*>(data);
  while (size > 0) {
    const auto count = ::pread(fd_, bytes, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read");
    if (count == 0) return;
    bytes += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
}

}  // namespace banter::data
