#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace banter::models {

/// Lines of a file or of standard input that may be a live pipe: tells whether a line is there
/// without waiting for one, so that an answer need not wait for the next question. A byte order
/// mark in front of the first line is left out.
class LineSource {
 public:
  /// `path` "" or "-" is standard input. Throws   FileError when it is missing or a folder
  explicit LineSource(const std::filesystem::path& path);
  ~LineSource();
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;

  /// The next line, without its LF or CRLF; waits for it. Nothing at the end.
  /// Throws   FileError; DataError when it is longer than 16 MiB; Stopped
  std::optional<std::string> next();
  /// The next line if it is there already, whole. Throws   as `next`
  std::optional<std::string> next_if_ready();

  [[nodiscard]] std::string where() const;  ///< "stdin:17": of the line that was given last
  [[nodiscard]] bool is_terminal() const;

 private:
  std::optional<std::string> take_line();
  bool read_more(int wait_ms);

  std::string name_;
  int fd_ = 0;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< of what was not given yet
  std::size_t scanned_ = 0;  ///< no LF before here
  std::uint64_t line_ = 0;
  bool at_end_ = false;
};

}  // namespace banter::models
