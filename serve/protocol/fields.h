#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/protocol/request_error.h"

namespace banter::serve {

namespace json = boost::json;

/// What a text may be.
struct TextRule {
  std::int64_t max_chars;        ///< code points
  bool blank = false;            ///< empty or white space alone can stand there
  bool nul = false;              ///< U+0000 can stand there
  bool printable_ascii = false;  ///< space to '~' and nothing else
  ErrorCode when_longer = ErrorCode::kBadRequest;
};

/// An id that a client chose, or a name that the server gave out.
inline constexpr TextRule kIdRule{.max_chars = 64, .printable_ascii = true};

/// A text that follows the rule and holds no U+0000.
/// Throws   RequestError with `name` as its field
std::string read_text(const json::value& value, const std::string& name, const TextRule& rule);

/// A whole number, also one that is written with a point or an exponent; nothing when it is none.
std::optional<std::int64_t> whole_number(const json::value& value);

/// One of the words of an enumeration (codes.h).
/// Throws   RequestError with `name` as its field
template <typename Enum>
Enum read_word(const json::value& value, const std::string& name) {
  std::string known;
  for (const auto& row : names_of(Enum{}))
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  const auto* text = value.if_string();
  const auto word = text == nullptr ? std::nullopt : named<Enum>(std::string_view(*text));
  if (!word) refuse_field(name, "one of " + known);
  return *word;
}

/// The JSON text of a request, strictly.
/// Throws   RequestError kBadJson when it is no JSON, nests deeper than `kMaxDepth`, has a key
/// twice
///          in one object or a number beyond a double's range
json::value read_json(std::string_view text);
inline constexpr std::size_t kMaxDepth = 16;  ///< of nested objects and lists

/// A list, each item read by `read(const json::value&, const std::string& name)`.
/// Throws   RequestError with `name` as its field
template <typename Read>
auto read_list(const json::value& value, const std::string& name, const Read& read) {
  std::vector<decltype(read(value, name))> list;
  if (!value.is_array()) refuse_field(name, "a list");
  for (const auto& item : value.get_array()) list.push_back(read(item, name));
  return list;
}

/// The object of a request, read field by field into plain structs. A field that is null counts as
/// absent. Every refusal is a RequestError with the path of the field.
class Fields {
 public:
  /// `path` stands before the names: "" or one that ends in a dot. The object must outlive this.
  explicit Fields(const json::object& object, std::string path = {})
      : object_(&object), path_(std::move(path)) {}

  /// Throws   RequestError naming `name` when the value is no object
  static Fields of(const json::value& value, const std::string& name);

  [[nodiscard]] std::string name_of(std::string_view field) const;
  /// Null when absent.
  [[nodiscard]] const json::value* find(std::string_view field) const;
  /// Throws   when absent
  [[nodiscard]] const json::value& need(std::string_view field) const;

  [[nodiscard]] std::string text(std::string_view field, const TextRule& rule) const;
  [[nodiscard]] std::int64_t whole(std::string_view field, std::int64_t min,
                                   std::int64_t max) const;
  [[nodiscard]] double number(std::string_view field) const;
  [[nodiscard]] std::optional<std::string> text_if(std::string_view field,
                                                   const TextRule& rule) const;
  [[nodiscard]] std::optional<std::int64_t> whole_if(std::string_view field, std::int64_t min,
                                                     std::int64_t max) const;
  [[nodiscard]] std::optional<bool> bool_if(std::string_view field) const;
  template <typename Enum>
  [[nodiscard]] Enum word(std::string_view field) const {
    return read_word<Enum>(need(field), name_of(field));
  }
  template <typename Enum>
  [[nodiscard]] std::optional<Enum> word_if(std::string_view field) const {
    if (find(field) == nullptr) return std::nullopt;
    return word<Enum>(field);
  }
  [[nodiscard]] std::optional<Fields> object_if(std::string_view field) const;
  /// A list, each item read by `read(const json::value&, const std::string& name)`.
  template <typename Read>
  [[nodiscard]] auto list(std::string_view field, const Read& read) const {
    return read_list(need(field), name_of(field), read);
  }
  [[nodiscard]] const json::object& object() const { return *object_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  const json::object* object_;
  std::string path_;
};

}  // namespace banter::serve
