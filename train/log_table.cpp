#include "train/log_table.h"

#include <algorithm>

#include "base/json.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// A text is quoted where it would be read as something else.
std::string cell(const json::value& value) {
  std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

std::string log_as_csv(std::string_view text, std::string_view where,
                       const std::vector<std::string>& events) {
  std::vector<json::value> lines;
  std::vector<std::string> columns = {"event", "step"};
  std::size_t number = 1;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;
       text.remove_prefix(end + 1), ++number) {
    const auto at = std::string(where) + ":" + std::to_string(number);
    auto line = base::parse_json(text.substr(0, end), at);
    const auto& o = base::as_object(line, at);
    if (std::ranges::find(events, base::string_field(o, "event", at)) == events.end()) continue;
    base::integer_field(o, "step", at);
    for (const auto& [name, unused] : o)
      if (std::ranges::find(columns, name) == columns.end()) columns.emplace_back(name);
    lines.push_back(std::move(line));
  }

  std::string csv;
  const auto add = [&](std::size_t column, const std::string& content) {
    csv += content + (column + 1 == columns.size() ? "\n" : ",");
  };
  for (std::size_t i = 0; i < columns.size(); ++i) add(i, cell(json::value(columns[i])));
  for (const auto& line : lines)
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto* value = line.get_object().if_contains(columns[i]);
      add(i, value == nullptr ? "" : cell(*value));
    }
  return csv;
}

}  // namespace banter::train
