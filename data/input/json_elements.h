#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/input/stream.h"

namespace banter::data {

/// Splits one JSON document, an array or an object, at its first level while it streams by, so that
/// only one element is held. An element of an object is given as an object of that one key.
///
/// Checks brackets, commas and strings of the first level; what is inside an element is its
/// reader's to check.
class JsonElements {
 public:
  /// `max_depth` bounds the brackets that an element may open at once.
  JsonElements(InputStream& stream, std::size_t max_bytes, std::uint64_t max_depth = UINT64_MAX);

  /// False at the end. Throws   DamagedInput naming the byte when the document is no JSON between
  ///                            its elements, goes on behind its end, or nests too deep
  bool next();

  [[nodiscard]] std::string_view element() const { return element_; }
  [[nodiscard]] bool is_too_long() const { return too_long_; }  ///< then `element` is empty
  /// The document ended before this element did (it is empty then), or, at the end, before the
  /// closing bracket.
  [[nodiscard]] bool is_cut() const { return cut_; }
  [[nodiscard]] Place place() const;  ///< of this element, counted from 1
  [[nodiscard]] std::uint64_t offset() const { return stream_.offset(); }  ///< bytes read so far

 private:
  int peek_byte();  ///< behind white space; -1 at the end
  void take() { stream_.consume(1); }
  void keep(std::string_view bytes);
  void take_and_keep(std::string_view bytes);
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_too_deep() const;
  void begin();
  bool read_string();
  bool read_value();

  InputStream& stream_;
  std::size_t max_bytes_;
  std::uint64_t max_depth_;
  std::string element_;
  std::uint64_t number_ = 0;
  char close_ = 0;  ///< the bracket that ends the document; 0 before its start
  bool too_long_ = false, cut_ = false, ended_ = false;
};

}  // namespace banter::data
