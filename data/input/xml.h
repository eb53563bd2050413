#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/input/stream.h"

namespace banter::data {

/// Why a document cannot be read on. What reads it may throw its own.
struct XmlFault {
  enum class Kind : std::uint8_t {
    kFaulty,   ///< it is not well-formed, or not what it should be
    kCut,      ///< it ends before its root element does
    kForeign,  ///< it is a document of another kind
  };
  std::string_view rule;  ///< a literal
  std::string detail;
  std::uint64_t line = 0;
  Kind kind = Kind::kFaulty;
};

/// The attributes that a start tag names, in place.
class XmlAttributes {
 public:
  /// `pairs` are names and values in turn, `count` strings in all.
  XmlAttributes(const char* const* pairs, std::size_t count) : pairs_(pairs), count_(count) {}
  [[nodiscard]] std::string_view find(std::string_view name) const;  ///< "" = it is not there

 private:
  const char* const* pairs_;
  std::size_t count_;
};

/// Hears what is in a document, in its order, as UTF-8. What it throws ends the reading.
class XmlEvents {
 public:
  virtual ~XmlEvents() = default;
  virtual void start(std::string_view name, const XmlAttributes& attributes,
                     std::uint64_t line) = 0;
  virtual void end(std::string_view name, std::uint64_t line) = 0;
  virtual void text(std::string_view text) = 0;  ///< in pieces; a CDATA section's too
  /// A reference to an entity that is not one of XML's own five. It is never expanded nor opened.
  virtual void reference(std::string_view name, std::uint64_t line) = 0;
};

/// What bounds the memory of reading, whatever a document holds.
struct XmlLimits {
  std::int64_t max_depth = 0;           ///< of nested elements
  std::int64_t max_tag_bytes = 0;       ///< of a tag, a comment or a declaration
  std::int64_t max_document_bytes = 0;  ///< unpacked
};

/// Reads one document, in the encoding that it declares (UTF-8, US-ASCII or ISO-8859-1).
///
/// Throws   XmlFault when it breaks a rule of XML or a limit, or refers to an entity in an
///          attribute; DamagedInput; what `events` throws
void read_xml(InputStream& stream, const XmlLimits& limits, XmlEvents& events);

/// The name of the root element of a document that begins so, "" when there is none to be seen.
std::string xml_root(std::string_view head);

}  // namespace banter::data
