#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/input/stream.h"

namespace banter::data {

/// Cuts a stream into rows of CSV, strictly: a field in quotes may hold commas, line ends and ""
/// for a quote; behind its closing quote stands a comma or the end of the row. LF or CRLF; a byte
/// order mark at the start is taken off, the last row may lack its end, blank lines are no rows.
///
/// A row with a fault is given without fields, and reading goes on behind the line in which the
/// fault was seen: a quote that stays open costs no more than the limit.
///
/// Source   RFC 4180; differs: LF ends a row too, quotes inside an unquoted field are text (told
///          by has_stray_quote)
class CsvRows {
 public:
  CsvRows(InputStream& stream, std::size_t max_bytes);

  /// False at the end. Throws   DamagedInput; a row cut by damage is never given
  bool next();

  [[nodiscard]] std::size_t size() const { return ends_.size(); }  ///< fields, 0 after a fault
  /// Without its quotes, line ends as they are; lives until `next`. Requires index < size().
  [[nodiscard]] std::string_view field(std::size_t index) const;

  [[nodiscard]] std::string_view fault() const { return fault_; }  ///< "" = the row is whole
  /// "lines 4 to 9", from where a faulty row or its quote opens to where it was given up; "" where
  /// that is one line.
  [[nodiscard]] std::string fault_span() const;
  [[nodiscard]] bool has_stray_quote() const { return stray_quote_; }
  /// Where the row begins; of a fault of quotes, where the quote opens.
  [[nodiscard]] Place place() const;

 private:
  enum class State : std::uint8_t {
    kFieldStart,
    kUnquoted,
    kQuoted,
    kBehindQuote,   // the quote is a closing one or the first of two
    kBehindReturn,  // CR behind a closing quote: only LF may follow
    kLost,          // the rest of the line is passed over
    kEnded,
  };

  void begin_row();
  std::size_t take_plain(std::string_view bytes);
  void take(char c);
  void take_behind_quote(char c);
  void end_field();
  void end_row();
  void lose(std::string_view fault, std::uint64_t first_line, std::uint64_t last_line);
  [[nodiscard]] bool is_blank() const;

  InputStream& stream_;
  std::size_t max_bytes_;
  std::string text_;               // of all fields
  std::vector<std::size_t> ends_;  // of each field in it
  State state_ = State::kEnded;
  std::size_t bytes_ = 0;                        // of the row so far
  std::uint64_t line_ = 1;                       // being read
  std::uint64_t row_line_ = 0, quote_line_ = 0;  // where the row, the last quoted field begins
  std::uint64_t fault_line_ = 0, fault_end_ = 0;
  std::string_view fault_;
  bool stray_quote_ = false, any_quoted_ = false;
};

}  // namespace banter::data
