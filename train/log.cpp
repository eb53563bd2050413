#include "train/log.h"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"

namespace banter::train {
namespace {

/// The whole lines of `text` whose step is at most `step`.
std::string kept_lines(std::string_view text, std::int64_t step, std::string_view where) {
  std::string kept;
  while (true) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return kept;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    try {
      const auto value = base::parse_json(line, where);
      if (value.is_object() && base::integer_field(value.get_object(), "step", where) <= step)
        kept.append(line).push_back('\n');
    } catch (const base::DataError&) {  // a block that a power cut left empty: no line of ours
    }
  }
}

}  // namespace

RunLog::RunLog(std::filesystem::path path, std::int64_t step) : path_(std::move(path)) {
  const bool is_new = !std::filesystem::exists(path_);
  if (!is_new) {
    const base::MappedFile old(path_);
    auto kept = kept_lines(old.text(), step, path_.string());
    if (kept != old.text()) base::write_durably(path_, kept);
  }
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0)
    throw base::FileError(path_.string() + ": cannot be opened: " + std::strerror(errno));
  if (is_new) base::sync_folder(path_.parent_path());
}

RunLog::~RunLog() { ::close(fd_); }

void RunLog::write(const base::json::object& line) {
  const auto text = base::json::serialize(line) + "\n";
  std::string_view left = text;
  while (!left.empty()) {
    const auto written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw base::FileError(path_.string() + ": cannot be written: " + std::strerror(errno) +
                            (errno == ENOSPC ? "; make room on that disk" : ""));
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

void RunLog::sync() {
  if (::fsync(fd_) != 0)
    throw base::FileError(path_.string() + ": cannot be made durable: " + std::strerror(errno));
}

}  // namespace banter::train
