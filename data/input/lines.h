#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/input/stream.h"

namespace banter::data {

/// Cuts a stream into lines: LF or CRLF, a byte order mark at the start taken off, the last line
/// with or without its end. A line above the limit is passed over without being held.
class LineReader {
 public:
  LineReader(InputStream& stream, std::size_t max_bytes);
  LineReader(const LineReader&) = delete;  // `line` may lie in it
  LineReader& operator=(const LineReader&) = delete;

  /// False at the end. Throws   DamagedInput; a line cut by damage is never given
  bool next();

  /// Without its end. Valid until `next`, or `peek` or `chunk` of the stream.
  [[nodiscard]] std::string_view line() const { return line_; }
  [[nodiscard]] bool is_too_long() const { return too_long_; }  ///< then `line` is empty
  [[nodiscard]] Place place() const;                            ///< of this line

 private:
  void take(std::string_view part, bool is_last);

  InputStream& stream_;
  std::size_t max_bytes_;
  std::string_view line_;
  std::string joined_;  ///< the line, where it does not lie in one piece
  std::uint64_t number_ = 0;
  bool too_long_ = false;
};

/// Takes the first line off the front of `rest`; it is given without its end.
std::string_view take_line(std::string_view& rest);

/// What stands between the marks: one piece more than there are marks, each maybe empty.
std::vector<std::string_view> split_at(char mark, std::string_view text);

/// Takes a UTF-8 byte order mark off the start of a stream.
void skip_byte_order_mark(InputStream& stream);

}  // namespace banter::data
