#include "serve/protocol/decode_json.h"

#include <cassert>
#include <utility>

#include "serve/protocol/decode_fields.h"
#include "serve/protocol/fields.h"

namespace banter::serve {
namespace {

std::string text_of(const json::string& text) { return {text.data(), text.size()}; }

std::optional<DecodeValue> as_texts(const json::value& value) {
  if (value.is_string()) return std::vector{text_of(value.get_string())};
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& item : value.get_array()) {
    if (!item.is_string()) return std::nullopt;
    texts.push_back(text_of(item.get_string()));
  }
  return texts;
}

/// A value of the range's kind, or nothing when it is of another.
struct AsKindOf {
  const json::value& value;

  std::optional<DecodeValue> operator()(const WholeRange&) const {
    const auto number = whole_number(value);
    if (!number) return std::nullopt;
    return *number;
  }
  std::optional<DecodeValue> operator()(const RealRange&) const {
    if (!value.is_number()) return std::nullopt;
    return value.to_number<double>();
  }
  std::optional<DecodeValue> operator()(const Words&) const {
    if (!value.is_string()) return std::nullopt;
    return text_of(value.get_string());
  }
  std::optional<DecodeValue> operator()(const TextRange&) const { return (*this)(Words{}); }
  std::optional<DecodeValue> operator()(const TextsRange&) const { return as_texts(value); }
};

void write_value(JsonWriter& writer, std::string_view name,
                 const std::optional<DecodeValue>& value) {
  if (value) {
    std::visit([&](const auto& content) { writer.field(name, content); }, *value);
  } else {
    writer.key(name);
    writer.null();
  }
}

struct WriteRange {
  JsonWriter& writer;

  void operator()(const WholeRange& range) const {
    writer.field("min", range.min);
    writer.field("max", range.max);
  }
  void operator()(const RealRange& range) const {
    writer.field(range.above_min ? "above" : "min", range.min);
    writer.field("max", range.max);
  }
  void operator()(const Words& range) const { writer.field("choices", range.choices); }
  void operator()(const TextRange& range) const { writer.field("max_chars", range.max_chars); }
  void operator()(const TextsRange& range) const {
    writer.field("max_texts", range.max_texts);
    writer.field("max_chars", range.max_chars);
  }
};

}  // namespace

void read_decode_field(DecodeChange& change, std::string_view field, const json::value& value,
                       const std::string& shown_name, const DecodeLimits& limits) {
  const auto* row = decode_field(field);
  assert(row != nullptr);
  auto& [name, content] = change.fields.emplace_back(std::string(field), std::nullopt);
  if (value.is_null()) return;
  const auto range = row->range(limits);
  content = std::visit(AsKindOf{value}, range);
  if (!content || !is_within(range, *content)) refuse_field(shown_name, rule_of(range));
}

DecodeChange read_decode(const json::object& object, std::string_view path,
                         const DecodeLimits& limits) {
  DecodeChange change;
  for (const auto& field : decode_fields()) {
    const auto* value = object.if_contains(field.name);
    if (value == nullptr) continue;
    read_decode_field(change, field.name, *value, std::string(path) + std::string(field.name),
                      limits);
  }
  return change;
}

void write_fields(JsonWriter& writer, const DecodeChange& change) {
  for (const auto& [name, value] : change.fields) write_value(writer, name, value);
}

void write_fields(JsonWriter& writer, const DecodeSettings& settings) {
  for (const auto& field : decode_fields())
    write_value(writer, field.name, value_of(settings, field));
}

void write_fields(JsonWriter& writer, const DecodeOffer& offer) {
  for (const auto& field : decode_fields()) {
    writer.key(field.name);
    writer.open('{');
    write_value(writer, "default", value_of(offer.defaults, field));
    std::visit(WriteRange{writer}, field.range(offer.limits));
    writer.close('}');
  }
}

std::string decode_text(const DecodeSettings& settings) { return json_text(settings); }

DecodeSettings read_decode_text(std::string_view text, const DecodeLimits& limits) {
  const auto value = read_json(text);
  const auto fields = Fields::of(value, "decode");
  const DecodeSettings defaults;
  return overlaid(defaults, read_decode(fields.object(), "decode.", limits), defaults, limits);
}

}  // namespace banter::serve
