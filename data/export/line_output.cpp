#include "data/export/line_output.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

#include "base/files.h"
#include "base/utf8.h"

namespace banter::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{1} << 16;

class StandardOutput : public LineOutput {
 public:
  StandardOutput() = default;
  ~StandardOutput() override {
    try {
      flush();
    } catch (const base::FileError&) {  // NOLINT(bugprone-empty-catch)
      // There is a first error already.
    }
  }
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  void write(LineKind, std::string_view line) override {
    piece_ += line;
    piece_ += '\n';
    if (piece_.size() >= kPieceBytes) flush();
  }
  void finish() override { flush(); }

 private:
  void flush() {
    const auto whole = std::exchange(piece_, {});
    for (std::string_view rest = whole; !rest.empty();) {
      const auto count = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (count >= 0)
        rest.remove_prefix(static_cast<std::size_t>(count));
      else if (errno == EPIPE)
        throw OutputClosed();
      else if (errno != EINTR)
        throw base::FileError(std::string("standard output cannot be written: ") +
                              std::strerror(errno));
    }
  }

  std::string piece_;
};

/// A file under a name that nobody reads, until it is published.
class HiddenFile {
 public:
  explicit HiddenFile(const fs::path& path)
      : path_(path.string() + ".tmp-" + std::to_string(::getpid())), file_(path_) {}
  ~HiddenFile() {
    if (!is_published_) ::unlink(path_.c_str());
  }
  HiddenFile(const HiddenFile&) = delete;
  HiddenFile& operator=(const HiddenFile&) = delete;

  void write_line(std::string_view line) {
    file_.write(line);
    file_.write("\n");
  }
  void publish(const fs::path& path) {
    file_.close();
    base::rename_durably(path_, path);
    is_published_ = true;
  }

 private:
  fs::path path_;
  base::FileWriter file_;
  bool is_published_ = false;
};

class OutputFiles : public LineOutput {
 public:
  OutputFiles(fs::path path, bool together) : path_(std::move(path)), together_(together) {}

  void write(LineKind kind, std::string_view line) override {
    if (kind == LineKind::kPair && !together_)
      opened(pairs_, file_of_pairs(path_)).write_line(line);
    else
      opened(dialogues_, path_).write_line(line);
  }
  void finish() override {
    if (pairs_) pairs_->publish(dialogues_ ? file_of_pairs(path_) : path_);
    if (dialogues_ || !pairs_) opened(dialogues_, path_).publish(path_);
  }

 private:
  static HiddenFile& opened(std::optional<HiddenFile>& file, const fs::path& path) {
    if (!file) file.emplace(path);
    return *file;
  }

  fs::path path_;
  bool together_;
  std::optional<HiddenFile> dialogues_, pairs_;
};

void refuse_what_is_no_file(const fs::path& path) {
  std::error_code missing;  // it is made then
  if (fs::exists(path, missing) && !fs::is_regular_file(path, missing))
    throw base::FileError(base::printable(path.string(), 1000) +
                          ": is no plain file, and only such a one is replaced");
}

}  // namespace

std::unique_ptr<LineOutput> lines_to_standard_output() {
  return std::make_unique<StandardOutput>();
}

std::unique_ptr<LineOutput> lines_to_file(const fs::path& path, bool together) {
  refuse_what_is_no_file(path);
  if (!together) refuse_what_is_no_file(file_of_pairs(path));
  return std::make_unique<OutputFiles>(path, together);
}

fs::path file_of_pairs(const fs::path& path) {
  return path.parent_path() / (path.stem().string() + ".pairs" + path.extension().string());
}

}  // namespace banter::data
