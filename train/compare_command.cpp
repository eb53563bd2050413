#include <filesystem>
#include <iostream>

#include "base/errors.h"
#include "configs/command_line.h"
#include "train/commands.h"
#include "train/compare.h"

namespace banter::train {

int run_compare(const std::vector<std::string>& arguments) {
  configs::CommandLine line("banter compare",
                            "What differs in the configs of runs, and their last figures.",
                            "banter compare runs/static runs/dynamic\n"
                            "banter compare runs/* --json");
  std::vector<std::filesystem::path> runs;
  line.app.add_option("runs", runs, "run folders, two or more")->required();
  line.with_json();
  if (!line.parse(arguments)) return 0;

  if (runs.size() < 2)
    throw base::UsageError("banter compare: give two runs or more; see `banter compare --help`");
  const auto comparison = compare_configs_and_figures(runs);
  if (line.common.json) {
    std::cout << base::json::serialize(to_json(comparison)) << "\n";
  } else {
    std::cout << to_table(comparison);
  }
  return 0;
}

}  // namespace banter::train
