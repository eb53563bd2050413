#include "serve/protocol/fields.h"

#include <algorithm>

#include "base/utf8.h"

namespace banter::serve {
namespace {

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string rule_of(const TextRule& rule) {
  return (rule.blank ? "a text of at most " : "a text of 1 to ") + std::to_string(rule.max_chars) +
         (rule.printable_ascii ? " printable ASCII characters" : " characters") +
         (rule.blank ? "" : ", not blank") +
         (rule.printable_ascii || rule.nul ? "" : ", without U+0000");
}

}  // namespace

std::string read_text(const json::value& value, const std::string& name, const TextRule& rule) {
  const auto* string = value.if_string();
  if (string == nullptr) refuse_field(name, rule_of(rule));
  const std::string_view text(string->data(), string->size());
  const auto chars = static_cast<std::int64_t>(base::count_code_points(text));
  if (chars > rule.max_chars && rule.when_longer == ErrorCode::kTooLong) {
    throw RequestError(ErrorCode::kTooLong,
                       name + " is longer than " + std::to_string(rule.max_chars) + " characters",
                       name);
  }
  const bool fits =
      chars <= rule.max_chars && (rule.nul || text.find('\0') == std::string_view::npos) &&
      (rule.blank || !base::is_blank(text)) && (!rule.printable_ascii || is_printable_ascii(text));
  if (!fits) refuse_field(name, rule_of(rule));
  return std::string(text);
}

std::optional<std::int64_t> whole_number(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  json::error_code error;
  const auto number = value.to_number<std::int64_t>(error);
  return error ? std::nullopt : std::optional(number);
}

json::value read_json(std::string_view text) {
  try {
    return base::parse_json(text, "request", kMaxDepth);
  } catch (const base::DataError&) {  // its message names keys of the input
    throw RequestError(ErrorCode::kBadJson,
                       "what was sent is not one JSON text in UTF-8, is nested deeper than " +
                           std::to_string(kMaxDepth) +
                           " levels, has a key twice in one object or a number out of range");
  }
}

Fields Fields::of(const json::value& value, const std::string& name) {
  if (!value.is_object()) refuse_field(name, "an object");
  return Fields(value.get_object(), name + ".");
}

std::string Fields::name_of(std::string_view field) const { return path_ + std::string(field); }

const json::value* Fields::find(std::string_view field) const {
  const auto* value = object_->if_contains(field);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const json::value& Fields::need(std::string_view field) const {
  const auto* value = find(field);
  if (value == nullptr) {
    const auto name = name_of(field);
    throw RequestError(ErrorCode::kBadRequest, name + " is missing", name);
  }
  return *value;
}

std::string Fields::text(std::string_view field, const TextRule& rule) const {
  return read_text(need(field), name_of(field), rule);
}

std::optional<std::string> Fields::text_if(std::string_view field, const TextRule& rule) const {
  if (find(field) == nullptr) return std::nullopt;
  return text(field, rule);
}

std::int64_t Fields::whole(std::string_view field, std::int64_t min, std::int64_t max) const {
  const auto number = whole_number(need(field));
  if (!number || *number < min || *number > max) {
    refuse_field(name_of(field),
                 "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return *number;
}

std::optional<std::int64_t> Fields::whole_if(std::string_view field, std::int64_t min,
                                             std::int64_t max) const {
  if (find(field) == nullptr) return std::nullopt;
  return whole(field, min, max);
}

double Fields::number(std::string_view field) const {
  const auto& value = need(field);
  if (!value.is_number()) refuse_field(name_of(field), "a number");
  return value.to_number<double>();
}

std::optional<bool> Fields::bool_if(std::string_view field) const {
  const auto* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) refuse_field(name_of(field), "true or false");
  return value->get_bool();
}

std::optional<Fields> Fields::object_if(std::string_view field) const {
  const auto* value = find(field);
  if (value == nullptr) return std::nullopt;
  return of(*value, name_of(field));
}

}  // namespace banter::serve
