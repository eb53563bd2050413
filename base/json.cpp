#include "base/json.h"

#include <charconv>
#include <cmath>
#include <set>
#include <span>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::base {
namespace {

/// Looks for what strict JSON forbids and a parser of Boost.JSON lets pass: keys that stand twice
/// in one object, and numbers that no double holds. Keeps the doubles in their order: Boost.JSON
/// 1.81 rounds those of many digits to a neighbour.
struct StrictReader {
  // NOLINTBEGIN(readability-identifier-naming): the names that basic_parser looks for
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  // NOLINTEND(readability-identifier-naming)

  std::vector<std::set<std::string, std::less<>>> open;
  std::string key;
  bool is_repeated = false;  ///< `key`
  std::string number_text;
  std::vector<double> doubles;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) {
    open.pop_back();
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key += part;
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    key += part;
    if (!open.back().insert(key).second) {
      is_repeated = true;
      error = json::error::exception;
      return false;
    }
    key.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_number_part(json::string_view part, json::error_code&) {
    number_text += part;
    return true;
  }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) {
    number_text.clear();
    return true;
  }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) {
    number_text.clear();
    return true;
  }
  bool on_double(double number, json::string_view part, json::error_code& error) {
    number_text += part;
    // What is too small for a double stays what it was.
    std::from_chars(number_text.data(), number_text.data() + number_text.size(), number);
    number_text.clear();
    doubles.push_back(number);
    if (std::isfinite(number)) return true;
    error = json::error::exponent_overflow;
    return false;
  }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

/// Puts the next ones of `doubles` in the places of those of `value`.
void put_doubles(json::value& value, std::span<const double>& doubles) {
  if (auto* number = value.if_double()) {
    *number = doubles.front();
    doubles = doubles.subspan(1);
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) put_doubles(element, doubles);
  } else if (auto* object = value.if_object()) {
    for (auto& entry : *object) put_doubles(entry.value(), doubles);
  }
}

json::parse_options strict(std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  return options;
}

[[noreturn]] void wrong_field(std::string_view where, std::string_view key, std::string_view what) {
  throw DataError(std::string(where) + ": field \"" + std::string(key) + "\" " + std::string(what));
}

void indent(std::string& out, std::size_t depth) { out.append(2 * depth, ' '); }

void write_pretty(std::string& out, const json::value& value, std::size_t depth) {
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += "{\n";
    for (auto it = object->begin(); it != object->end(); ++it) {
      indent(out, depth + 1);
      out += json::serialize(it->key()) + ": ";
      write_pretty(out, it->value(), depth + 1);
      out += std::next(it) == object->end() ? "\n" : ",\n";
    }
    indent(out, depth);
    out += '}';
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    out += "[\n";
    for (auto it = array->begin(); it != array->end(); ++it) {
      indent(out, depth + 1);
      write_pretty(out, *it, depth + 1);
      out += std::next(it) == array->end() ? "\n" : ",\n";
    }
    indent(out, depth);
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

json::value parse_json(std::string_view text, std::string_view where, std::size_t max_depth) {
  json::error_code error;
  json::basic_parser<StrictReader> reader(strict(max_depth));
  auto used = reader.write_some(false, text.data(), text.size(), error);
  if (reader.handler().is_repeated) {
    throw DataError(std::string(where) + ": key \"" + printable(reader.handler().key) +
                    "\" stands twice in one object near byte " + std::to_string(used));
  }
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error) {
    throw DataError(std::string(where) + ": not valid JSON near byte " + std::to_string(used) +
                    ": " + error.message());
  }
  auto value = json::parse(text, {}, strict(max_depth));
  std::span<const double> doubles = reader.handler().doubles;
  if (!doubles.empty()) put_doubles(value, doubles);
  return value;
}

const json::value& field(const json::object& object, std::string_view key, std::string_view where) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) wrong_field(where, key, "is missing");
  return *value;
}

std::string_view string_field(const json::object& object, std::string_view key,
                              std::string_view where) {
  const auto* text = field(object, key, where).if_string();
  if (text == nullptr) wrong_field(where, key, "is not a string");
  return {text->data(), text->size()};
}

const json::array& array_field(const json::object& object, std::string_view key,
                               std::string_view where) {
  const auto& value = field(object, key, where);
  if (!value.is_array())
    throw DataError(std::string(where) + ": field \"" + std::string(key) + "\" is no array");
  return value.get_array();
}

const json::object& as_object(const json::value& value, std::string_view where) {
  if (!value.is_object()) throw DataError(std::string(where) + ": is no JSON object");
  return value.get_object();
}

std::string_view as_string(const json::value& value, std::string_view where) {
  if (!value.is_string()) throw DataError(std::string(where) + ": is no JSON string");
  return value.get_string();
}

std::int64_t integer_field(const json::object& object, std::string_view key,
                           std::string_view where) {
  json::error_code error;
  const auto number = field(object, key, where).to_number<std::int64_t>(error);
  if (error) wrong_field(where, key, "is not an integer");
  return number;
}

std::string pretty_json(const json::value& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out + "\n";
}

}  // namespace banter::base
