#pragma once

#include <cstdint>
#include <string>

namespace banter::data {

/// Where in a corpus something stands. Lines and elements count from 1; 0 = none.
struct Place {
  std::string file;           ///< path as the user gave it
  std::string member;         ///< of an archive, or ""
  std::uint64_t line = 0;     ///< physical line of the unpacked text
  std::uint64_t element = 0;  ///< of a JSON array or object; shown instead of the line

  /// Of the element or line: what records without an id are numbered by.
  [[nodiscard]] std::uint64_t number() const { return element != 0 ? element : line; }

  /// "talk.tgz:dialogs/4/2.tsv:2", "a.jsonl:7", "b.json:element 3"; safe to print.
  [[nodiscard]] std::string text() const { return stream_text() + text_in_stream(); }
  [[nodiscard]] std::string stream_text() const;     ///< "talk.tgz:dialogs/4/2.tsv"
  [[nodiscard]] std::string text_in_stream() const;  ///< ":2", ":element 3" or ""
};

}  // namespace banter::data
