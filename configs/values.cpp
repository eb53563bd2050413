#include "configs/values.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>

#include "base/errors.h"
#include "base/utf8.h"

namespace banter::configs {
namespace {

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto* end = text.data() + text.size();
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

template <typename T>
void read_integer(const Node& node, T& value, std::string_view expected) {
  if (node.kind != Node::Kind::kScalar || node.quoted || !parse_number(node.text, value))
    wrong_type(node, expected);
}

template <typename T>
void read_list(const Node& node, std::vector<T>& values) {
  if (node.kind != Node::Kind::kList) wrong_type(node, "a list, as in [a, b]");
  values.clear();
  for (const auto& item : node.items) {
    T value{};
    read_value(*item, value);
    values.push_back(std::move(value));
  }
}

template <typename T>
std::string list_to_yaml(const std::vector<T>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i > 0 ? ", " : "") + to_yaml(values[i]);
  return text + "]";
}

}  // namespace

void wrong_type(const Node& node, std::string_view expected) {
  const auto got = node.kind == Node::Kind::kMapping ? std::string("a mapping")
                   : node.kind == Node::Kind::kList  ? std::string("a list")
                   : node.kind == Node::Kind::kNull  ? std::string("nothing")
                                                     : "\"" + base::printable(node.text) + "\"";
  throw base::ConfigError(node.where + ": " + node.path + ": expected " + std::string(expected) +
                          ", got " + got);
}

void read_value(const Node& node, bool& value) {
  const bool is_true = node.text == "true";
  if (node.kind != Node::Kind::kScalar || node.quoted || (!is_true && node.text != "false"))
    wrong_type(node, "true or false");
  value = is_true;
}

void read_value(const Node& node, std::int64_t& value) {
  read_integer(node, value, "an integer of 64 bits");
}
void read_value(const Node& node, std::uint64_t& value) {
  read_integer(node, value, "a whole number of 64 bits, 0 or more");
}

void read_value(const Node& node, double& value) {
  if (node.kind != Node::Kind::kScalar || node.quoted || !parse_number(node.text, value) ||
      !std::isfinite(value))
    wrong_type(node, "a finite number");
}

void read_value(const Node& node, std::string& value) {
  if (node.kind != Node::Kind::kScalar) wrong_type(node, "text");
  value = node.text;
}

void read_value(const Node& node, std::vector<std::int64_t>& values) { read_list(node, values); }
void read_value(const Node& node, std::vector<double>& values) { read_list(node, values); }
void read_value(const Node& node, std::vector<std::string>& values) { read_list(node, values); }

std::string to_yaml(const std::string& text) {
  const auto is_plain = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '-' || c == '.';
  };
  const bool starts_well = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) ||
                                             text[0] == '_' || text[0] == '/');
  static const std::set<std::string, std::less<>> kWords = {"true", "false", "null", "yes", "no",
                                                            "on",   "off",   "y",    "n"};
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (starts_well && std::ranges::all_of(text, is_plain) && !kWords.contains(lower)) return text;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += std::string("\\x") + kDigits[byte >> 4U] + kDigits[byte & 15U];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string to_yaml(bool value) { return value ? "true" : "false"; }
std::string to_yaml(std::int64_t value) { return std::to_string(value); }
std::string to_yaml(std::uint64_t value) { return std::to_string(value); }
std::string to_yaml(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}
std::string to_yaml(const std::vector<std::int64_t>& values) { return list_to_yaml(values); }
std::string to_yaml(const std::vector<double>& values) { return list_to_yaml(values); }
std::string to_yaml(const std::vector<std::string>& values) { return list_to_yaml(values); }

}  // namespace banter::configs
