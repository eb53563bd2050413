#include "models/commands/line_source.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"

namespace banter::models {
namespace {

constexpr std::size_t kMaxLineBytes = 16U << 20U;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr int kLookForSignalsMs = 200;  // a stop signal may come between the look and the wait

}  // namespace

LineSource::LineSource(const std::filesystem::path& path) : name_(path.string()) {
  if (name_.empty() || name_ == "-") {
    name_ = "stdin";
    fd_ = STDIN_FILENO;
    return;
  }
  const auto fail = [&](const std::string& why) {
    throw base::FileError(name_ + ": cannot be read: " + why);
  };
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) fail(std::strerror(errno));
  struct stat status {};
  if (::fstat(fd_, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(fd_);
    fail("it is a folder; give a file with one context a line");
  }
}

LineSource::~LineSource() {
  if (fd_ != STDIN_FILENO) ::close(fd_);
}

bool LineSource::is_terminal() const { return ::isatty(fd_) == 1; }

std::string LineSource::where() const { return name_ + ":" + std::to_string(line_); }

std::optional<std::string> LineSource::take_line() {
  const auto end = buffer_.find('\n', scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    if (buffer_.size() - begin_ > kMaxLineBytes) {
      ++line_;
      throw base::DataError(where() + ": the line is longer than 16 MiB");
    }
    if (!at_end_ || begin_ == buffer_.size()) return std::nullopt;
  }
  const auto stop = end == std::string::npos ? buffer_.size() : end;
  auto line = buffer_.substr(begin_, stop - begin_);
  if (line.ends_with('\r')) line.pop_back();
  if (line_ == 0 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  begin_ = scanned_ = end == std::string::npos ? stop : end + 1;
  ++line_;
  return line;
}

/// False when nothing came within `wait_ms`; the end of the input counts as something.
bool LineSource::read_more(int wait_ms) {
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  const int ready = ::poll(&waiting, 1, wait_ms);
  base::throw_if_stopped();
  if (ready == 0 || (ready < 0 && errno == EINTR)) return false;
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  std::array<char, 1U << 16U> chunk;
  const auto got = ::read(fd_, chunk.data(), chunk.size());
  if (got < 0) {
    if (errno == EINTR || errno == EAGAIN) return false;
    throw base::FileError(name_ + ": cannot be read: " + std::strerror(errno));
  }
  at_end_ = got == 0;
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<std::string> LineSource::next() {
  for (;;) {
    if (auto line = take_line()) return line;
    if (at_end_) return std::nullopt;
    read_more(kLookForSignalsMs);
  }
}

std::optional<std::string> LineSource::next_if_ready() {
  for (;;) {
    if (auto line = take_line()) return line;
    if (at_end_ || !read_more(0)) return std::nullopt;
  }
}

}  // namespace banter::models
