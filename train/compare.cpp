#include "train/compare.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <string_view>

#include <yaml-cpp/exceptions.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/utf8.h"
#include "train/flat_config.h"
#include "train/steering.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

constexpr std::string_view kNone = "-";

bool is_metric(std::string_view name) {
  return is_steering_metric(name, JudgedOn::kReplies) || is_steering_metric(name, JudgedOn::kPairs);
}

bool is_of_progress(std::string_view name) {
  return name == "step" || name == "share" || name == "seconds" || name == "labels_per_second";
}

/// The numbers of a line but how far it is and what a clock measured, under names with this
/// beginning.
std::vector<std::pair<std::string, double>> numbers_of(const json::object& line,
                                                       const std::string& prefix) {
  std::vector<std::pair<std::string, double>> numbers;
  for (const auto& [name, value] : line)
    if (value.is_number() && !is_of_progress(name))
      numbers.emplace_back(prefix + std::string(name), value.to_number<double>());
  return numbers;
}

/// Adds what a run has under each name; `place` of `count` runs.
template <typename Value>
void add(SideBySide<Value>& table, const std::string& name, Value value, std::size_t place,
         std::size_t count) {
  auto row = std::ranges::find(table, name, [](const auto& one) { return one.first; });
  if (row == table.end()) {
    table.emplace_back(name, std::vector<std::optional<Value>>(count));
    row = table.end() - 1;
  }
  row->second[place] = std::move(value);
}

std::map<std::string, std::string> config_of(const fs::path& run) {
  const auto file = run / "config.yaml";
  if (!fs::exists(file))
    throw base::UsageError(run.string() + ": is no run folder: it has no config.yaml");
  const auto text = base::read_file(file, 1 << 20);
  try {
    return flat_config(completed_config(text, file.string()));
  } catch (const YAML::Exception& error) {
    throw base::CheckpointError(file.string() + ": damaged: " + error.what());
  }
}

SideBySide<std::string> differing_settings(
    const std::vector<std::map<std::string, std::string>>& configs) {
  std::set<std::string> keys;
  for (const auto& config : configs)
    for (const auto& [key, value] : config) keys.insert(key);
  keys.erase("run");
  SideBySide<std::string> settings;
  for (const auto& key : keys) {
    std::vector<std::optional<std::string>> values;
    for (const auto& config : configs) {
      const auto found = config.find(key);
      values.push_back(found == config.end() ? std::nullopt : std::optional(found->second));
    }
    const auto is_first = [&](const auto& value) { return value == values.front(); };
    if (!std::ranges::all_of(values, is_first)) settings.emplace_back(key, std::move(values));
  }
  return settings;
}

template <typename Value>
json::object object_of(const SideBySide<Value>& table) {
  json::object object;
  for (const auto& [name, values] : table) {
    json::array row;
    for (const auto& value : values)
      row.push_back(value ? json::value_from(*value) : json::value(nullptr));
    object[name] = std::move(row);
  }
  return object;
}

std::string shown(const std::string& value) { return base::printable(value); }
std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

using Line = std::vector<std::string>;

template <typename Value>
void add_lines(std::vector<Line>& lines, const SideBySide<Value>& table) {
  for (const auto& [name, values] : table) {
    Line line = {name};
    for (const auto& value : values) line.push_back(value ? shown(*value) : std::string(kNone));
    lines.push_back(std::move(line));
  }
}

/// Cells under each other, two spaces apart.
std::string aligned(const std::vector<Line>& lines) {
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const auto& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i)
      row += line[i] + std::string(widths[i] - line[i].size() + 2, ' ');
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace

std::vector<std::pair<std::string, double>> final_figures(std::string_view log,
                                                          std::string_view where) {
  json::object step, validation;
  std::map<std::string, std::pair<double, double>> best;  // value, step
  std::size_t number = 1;
  for (std::size_t end = 0; (end = log.find('\n')) != std::string_view::npos;
       log.remove_prefix(end + 1), ++number) {
    const auto at = std::string(where) + ":" + std::to_string(number);
    const auto line = base::parse_json(log.substr(0, end), at);
    const auto& o = base::as_object(line, at);
    const auto event = base::string_field(o, "event", at);
    const auto at_step = static_cast<double>(base::integer_field(o, "step", at));
    if (event == "step") step = o;
    if (event != "validation") continue;
    validation = o;
    for (const auto& [name, value] : o) {
      if (!is_metric(name) || !value.is_number()) continue;
      const auto figure = value.to_number<double>();
      const auto [known, is_new] = best.try_emplace(std::string(name), figure, at_step);
      if (!is_new && is_better(name, figure, known->second.first))
        known->second = {figure, at_step};
    }
  }
  auto figures = numbers_of(step, "train/");
  if (const auto* last = step.if_contains("step"))
    figures.insert(figures.begin(), {"train/step", last->to_number<double>()});
  for (auto& figure : numbers_of(validation, "valid/")) figures.push_back(std::move(figure));
  for (const auto& [name, value] : best) {
    figures.emplace_back("best/" + name, value.first);
    figures.emplace_back("best/" + name + "_step", value.second);
  }
  return figures;
}

RunComparison compare_configs_and_figures(const std::vector<fs::path>& runs) {
  RunComparison comparison;
  std::vector<std::map<std::string, std::string>> configs;
  for (const auto& run : runs) configs.push_back(config_of(run));
  comparison.settings = differing_settings(configs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    comparison.runs.push_back(runs[i].string());
    const auto path = runs[i] / "log.jsonl";
    if (!fs::exists(path)) continue;
    const base::MappedFile file(path);
    for (const auto& [name, value] : final_figures(file.text(), path.string()))
      add(comparison.figures, name, value, i, runs.size());
  }
  return comparison;
}

json::object to_json(const RunComparison& comparison) {
  return {{"runs", json::value_from(comparison.runs)},
          {"settings", object_of(comparison.settings)},
          {"figures", object_of(comparison.figures)}};
}

std::string to_table(const RunComparison& comparison) {
  std::vector<Line> lines = {{""}};
  for (const auto& run : comparison.runs) lines.front().push_back(base::printable(run));
  add_lines(lines, comparison.settings);
  add_lines(lines, comparison.figures);
  return aligned(lines);
}

}  // namespace banter::train
