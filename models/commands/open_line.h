#pragma once

#include <string>
#include <utility>

namespace banter::models {

/// A line of standard output that is written in pieces, as they come. Whatever happens, a line that
/// was begun is ended.
class OpenLine {
 public:
  /// `front`: written before the first piece, with it.
  explicit OpenLine(std::string front) : front_(std::move(front)) {}
  ~OpenLine();
  OpenLine(const OpenLine&) = delete;
  OpenLine& operator=(const OpenLine&) = delete;

  /// Throws   FileError when standard output is closed or full
  void add(const std::string& text);
  void end(const std::string& text);  ///< the last piece; throws likewise

 private:
  std::string front_;
  bool is_open_ = false;
};

}  // namespace banter::models
