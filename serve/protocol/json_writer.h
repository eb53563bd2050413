#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "serve/protocol/codes.h"

namespace banter::serve {

/// Writes one JSON text piece by piece, without building a tree of it first.
///
/// What comes out is JSON and UTF-8 whatever goes in: bad bytes of texts become U+FFFD, and a
/// number that is not finite becomes null (JSON has no other word for it). Whole numbers are
/// written without a point or an exponent, others with the fewest digits that read back equal.
class JsonWriter {
 public:
  explicit JsonWriter(std::size_t expected_bytes = 256) { out_.reserve(expected_bytes); }

  void open(char bracket);   ///< '{' or '['
  void close(char bracket);  ///< '}' or ']'
  /// Requires a name of letters, digits, '_' and '.' alone: it is not escaped.
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(std::same_as<bool> auto yes) { raw(yes ? "true" : "false"); }
  void value(std::int64_t number);
  void value(double number);
  void value(float number);
  void null() { raw("null"); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void value(Enum word) { value(name_of(word)); }
  template <typename T>
  void value(const std::vector<T>& list) {
    open('[');
    for (const auto& item : list) write(item);
    close(']');
  }

  /// `write_fields(JsonWriter&, content)`, a function beside the type, inside braces.
  template <typename T>
  void object(const T& content) {
    open('{');
    write_fields(*this, content);
    close('}');
  }

  template <typename T>
  void field(std::string_view name, const T& content) {
    key(name);
    write(content);
  }
  /// Nothing when there is none.
  template <typename T>
  void field(std::string_view name, const std::optional<T>& content) {
    if (content) field(name, *content);
  }

  /// The text, which is whole when every bracket is closed. Leaves this empty.
  std::string take() { return std::move(out_); }

 private:
  /// A value of JSON's own kinds, or an object.
  template <typename T>
  void write(const T& content) {
    if constexpr (requires { value(content); }) {
      value(content);
    } else {
      object(content);
    }
  }
  void separate();
  void raw(std::string_view word);

  std::string out_;
  bool begins_ = true;  ///< nothing stands before in the innermost bracket, or a key does
};

/// The text of one object.
template <typename T>
std::string json_text(const T& content) {
  JsonWriter writer;
  writer.object(content);
  return writer.take();
}

}  // namespace banter::serve
