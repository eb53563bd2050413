#include "base/files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::base {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;  // read at once
// Of a file that is written. A store of three splits writes 18 files at a time: larger buffers,
// which fill one after another, would look like memory that grows with the corpus.
constexpr std::size_t kBufferBytes = 1 << 16;

std::string shown(const std::filesystem::path& path) { return printable(path.string(), 1000); }

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  const int error = errno;
  const bool is_full = error == ENOSPC || error == EDQUOT;
  throw FileError(shown(path) + ": " + what + ": " + std::strerror(error) +
                  (is_full ? "; make room on that disk" : ""));
}

/// A descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// Opens a plain file for reading and gives its size.
std::pair<int, std::uint64_t> open_plain(const std::filesystem::path& path) {
  // O_NONBLOCK: a pipe by that name must be refused below, not waited for
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail(path, "cannot be opened");
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    ::close(fd);
    fail(path, "cannot be read");
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(fd);
    throw FileError(shown(path) + ": is " +
                    (S_ISDIR(status.st_mode) ? "a folder" : "no plain file") +
                    ", a plain file is needed");
  }
  return {fd, static_cast<std::uint64_t>(status.st_size)};
}

void write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path, "cannot be written");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto [raw, size] = open_plain(path);
  const Descriptor fd(raw);
  if (size == 0) return;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) fail(path, "cannot be mapped");
  data_ = static_cast<const std::byte*>(data);
  size_ = size;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::uint64_t size_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) throw FileError(shown(path) + ": cannot be read: " + error.message());
  return size;
}

void make_folders(const std::filesystem::path& path) {
  std::error_code error;
  std::vector<std::filesystem::path> missing;
  for (auto at = path; !at.empty() && !std::filesystem::exists(at, error); at = at.parent_path())
    if (at.has_filename()) missing.push_back(at);
  std::filesystem::create_directories(path, error);
  if (error) throw FileError(shown(path) + ": cannot be made: " + error.message());
  for (const auto& folder : missing) sync_folder(folder.parent_path());
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const auto [raw, size] = open_plain(path);
  const Descriptor fd(raw);
  if (size > max_bytes) {
    throw FileError(shown(path) + ": has " + std::to_string(size) + " bytes, at most " +
                    std::to_string(max_bytes) + " are read");
  }
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const auto count = ::read(fd.get(), text.data() + done, text.size() - done);
    if (count < 0) {
      if (errno == EINTR) continue;
      fail(path, "cannot be read");
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  text.resize(done);
  return text;
}

void read_in_pieces(const std::filesystem::path& path,
                    const std::function<void(std::string_view)>& take) {
  const Descriptor fd(open_plain(path).first);
  std::string piece(kPieceBytes, '\0');
  while (true) {
    const auto count = ::read(fd.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "cannot be read");
    if (count == 0) return;
    take(std::string_view(piece).substr(0, static_cast<std::size_t>(count)));
  }
}

FileWriter::FileWriter(const std::filesystem::path& path) : path_(path) {
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) fail(path, "cannot be created");
  buffer_.reserve(kBufferBytes);
}

FileWriter::FileWriter(const std::filesystem::path& path, std::uint64_t size)
    : path_(path), size_(size) {
  if (size_of_file(path) < size)
    throw FileError(shown(path) + ": is shorter than what was written to it");
  fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd_ < 0) fail(path, "cannot be opened");
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0 || ::lseek(fd_, 0, SEEK_END) < 0) {
    const int error = errno;
    ::close(std::exchange(fd_, -1));
    errno = error;
    fail(path, "cannot be cut");
  }
  buffer_.reserve(kBufferBytes);
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      size_(other.size_) {}

FileWriter::~FileWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void FileWriter::write(std::span<const std::byte> bytes) {
  write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void FileWriter::write(std::string_view text) {
  size_ += text.size();
  if (buffer_.size() + text.size() < kBufferBytes) {
    buffer_.append(text);
    return;
  }
  flush();
  write_all(fd_, text, path_);
}

void FileWriter::flush() {
  write_all(fd_, buffer_, path_);
  buffer_.clear();
}

void FileWriter::sync() {
  flush();
  if (::fsync(fd_) != 0) fail(path_, "cannot be made durable");
}

void FileWriter::close() {
  sync();
  if (::close(std::exchange(fd_, -1)) != 0) fail(path_, "cannot be closed");
}

void write_durably(const std::filesystem::path& path, std::string_view text) {
  auto beside = path;
  beside += ".tmp-" + std::to_string(::getpid());
  try {
    FileWriter writer(beside);
    writer.write(text);
    writer.close();
    rename_durably(beside, path);
  } catch (...) {
    ::unlink(beside.c_str());
    throw;
  }
}

void sync_folder(const std::filesystem::path& folder) {
  const auto path = folder.empty() ? std::filesystem::path(".") : folder;
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) fail(path, "cannot be opened");
  if (::fsync(fd.get()) != 0) fail(path, "cannot be made durable");
}

void exchange_durably(const std::filesystem::path& a, const std::filesystem::path& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) {
    sync_folder(b.parent_path());
    return;
  }
  if (errno != EINVAL && errno != ENOSYS) fail(b, "cannot be exchanged");
  auto aside = b;  // beside `b` and not `a`: who made `a` may sweep what is left there
  aside += ".old";
  rename_durably(b, aside);
  try {
    rename_durably(a, b);
  } catch (const FileError&) {
    ::rename(aside.c_str(), b.c_str());
    throw;
  }
  rename_durably(aside, a);
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail(to, "cannot be put in place");
  sync_folder(to.parent_path());
}

}  // namespace banter::base
