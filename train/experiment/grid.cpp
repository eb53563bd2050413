#include "train/experiment/grid.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "base/utf8.h"

namespace banter::train {
namespace {

constexpr std::size_t kMostRows = 1000;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_character(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' || c == '-';
}

void check_name(const std::string& name, const configs::Value& at) {
  if (!name.empty() && name.front() != '.' && std::ranges::all_of(name, is_name_character)) return;
  at.fail("\"" + base::printable(name) +
          "\" cannot be part of a folder's name; names are letters, digits, '.', '_', '+' and '-', "
          "as in `name: {key: value}`");
}

/// Refuses a value that sets the key `own`, or holds it in a mapping.
void refuse(const std::string& key, const configs::Value& value, const std::string& own) {
  if (key == own)
    value.fail("is set by the experiment itself (`folder`, `stores`, `seeds`); leave it out");
  if (!own.starts_with(key + ".") || !value.is_mapping()) return;
  for (const auto& [inner, held] : value.entries()) refuse(inner, held, own.substr(key.size() + 1));
}

void check_changes(const Changes& changes) {
  for (const auto& [key, value] : changes)
    for (const auto* own : {"run", "store", "train.seed"}) refuse(key, value, own);
}

/// `axis` is what it is a value of, "" = a row by itself.
Row named_row(const std::string& axis, const std::string& name, const configs::Value& value) {
  check_name(name, value);
  Row row{.name = name,
          .changes = value.entries(),
          .at = {{.axis = axis, .name = name, .number = std::nullopt}}};
  check_changes(row.changes);
  return row;
}

/// "sum" of `model.combine: sum`, "hidden_dim-128" of `model.hidden_dim: 128`.
std::string name_of(const std::string& key, const configs::Value& value) {
  const auto text = value.yaml();
  const bool is_word = !text.empty() && is_letter(text.front()) &&
                       std::ranges::all_of(text, is_name_character) && text != "true" &&
                       text != "false" && text != "null";
  return is_word ? text : key.substr(key.rfind('.') + 1) + "-" + text;
}

std::optional<double> number_of(const configs::Value& value) {
  const auto text = value.yaml();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<Row> read_axis(const std::string& key, const configs::Value& axis) {
  std::vector<Row> values;
  if (axis.is_list()) {
    for (const auto& item : axis.items()) {
      const auto name = name_of(key, item);
      Row value{.name = name,
                .changes = {{key, item}},
                .at = {{.axis = key, .name = name, .number = number_of(item)}}};
      check_name(value.name, item);
      check_changes(value.changes);
      values.push_back(std::move(value));
    }
  } else {
    for (const auto& [name, changes] : axis.entries())
      values.push_back(named_row(key, name, changes));
  }
  if (values.empty()) axis.fail("has no values");
  return values;
}

std::vector<Row> product(const std::vector<Row>& rows, const std::vector<Row>& values) {
  std::vector<Row> all;
  for (const auto& row : rows)
    for (const auto& value : values) {
      auto& joined = all.emplace_back(row);
      joined.name += (row.name.empty() ? "" : "-") + value.name;
      joined.changes.insert(joined.changes.end(), value.changes.begin(), value.changes.end());
      joined.at.insert(joined.at.end(), value.at.begin(), value.at.end());
    }
  return all;
}

}  // namespace

std::vector<Row> read_rows(configs::Section& root) {
  std::vector<Row> rows;
  if (root.has("rows"))
    for (const auto& [name, changes] : root.value("rows").entries())
      rows.push_back(named_row("", name, changes));
  if (rows.empty()) rows.emplace_back();
  if (root.has("axes"))
    for (const auto& [key, axis] : root.value("axes").entries()) {
      rows = product(rows, read_axis(key, axis));
      if (rows.size() > kMostRows)
        axis.fail("makes more than " + std::to_string(kMostRows) + " rows");
    }
  if (rows.front().name.empty()) root.fail("rows", "name what is compared: give `rows` or `axes`");
  std::set<std::string> names;
  for (const auto& row : rows)
    if (!names.insert(row.name).second)
      root.fail(root.has("axes") ? "axes" : "rows", "two rows have the name " + row.name +
                                                        "; give the values of an axis names, as in "
                                                        "`name: {key: value}`");
  return rows;
}

std::optional<std::string> baseline_of(const Row& row, const std::vector<Row>& rows,
                                       const std::string& baseline) {
  if (std::ranges::find(rows, baseline, &Row::name) != rows.end())
    return row.name == baseline ? std::nullopt : std::optional(baseline);
  for (const auto& other : rows) {
    std::size_t differences = 0, of_baseline = 0;
    for (std::size_t i = 0; i < row.at.size(); ++i) {
      if (row.at[i] == other.at[i]) continue;
      ++differences;
      if (other.at[i].name == baseline) ++of_baseline;
    }
    if (differences == 1 && of_baseline == 1) return other.name;
  }
  return std::nullopt;
}

std::vector<std::string> coordinate_names(const std::vector<Row>& rows) {
  std::set<std::pair<std::size_t, std::string>> seen;
  std::vector<std::string> names;
  for (const auto& row : rows)
    for (std::size_t i = 0; row.at.size() > 1 && i < row.at.size(); ++i)
      if (seen.emplace(i, row.at[i].name).second) names.push_back(row.at[i].name);
  return names;
}

std::vector<std::pair<std::string, std::vector<double>>> numeric_axes(
    const std::vector<Row>& rows) {
  std::vector<std::pair<std::string, std::vector<double>>> axes;
  for (std::size_t i = 0; i < rows.front().at.size(); ++i) {
    std::set<double> numbers;
    const bool all_numbers = std::ranges::all_of(rows, [&](const Row& row) {
      if (row.at[i].number) numbers.insert(*row.at[i].number);
      return row.at[i].number.has_value();
    });
    if (all_numbers && numbers.size() > 1)
      axes.emplace_back(rows.front().at[i].axis,
                        std::vector<double>(numbers.begin(), numbers.end()));
  }
  return axes;
}

}  // namespace banter::train
