#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

namespace banter::tests {

/// The lines of a run's log.
inline std::vector<base::json::object> log_lines(const std::filesystem::path& log) {
  std::vector<base::json::object> lines;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);)
    lines.push_back(base::parse_json(line, log.string()).as_object());
  return lines;
}

/// Those that are wanted, without what a clock measured and without the ones that say how often the
/// program was started.
inline std::string log_without_clock(
    const std::filesystem::path& log,
    const std::function<bool(const base::json::object&)>& is_wanted = {}) {
  std::string text;
  for (auto& line : log_lines(log)) {
    if (line.at("event") == "start" || (is_wanted && !is_wanted(line))) continue;
    line.erase("seconds");
    line.erase("labels_per_second");
    text += base::json::serialize(line) + "\n";
  }
  return text;
}

}  // namespace banter::tests
