#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/files.h"
#include "tests/support/run_log.h"

namespace banter::tests {

/// Every file of a run with its bytes; the log without what a clock measured and without the lines
/// that say how often the program was started.
inline std::map<std::string, std::string> run_contents(const std::filesystem::path& run) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const auto name = fs::relative(entry.path(), run).string();
    if (!entry.is_regular_file() || name == ".lock" || name == "config.yaml") continue;
    if (name.starts_with("events/")) continue;  // of each start of the program, with its times
    files[name] =
        name == "log.jsonl" ? log_without_clock(entry.path()) : base::read_file(entry.path());
  }
  return files;
}

}  // namespace banter::tests
