#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace banter::train {

/// What is said of runs side by side: by name, a value for each run, none where it has none.
template <typename Value>
using SideBySide = std::vector<std::pair<std::string, std::vector<std::optional<Value>>>>;

struct RunComparison {
  std::vector<std::string> runs;
  SideBySide<std::string> settings;  ///< keys of config.yaml that differ, but `run`, sorted
  SideBySide<double> figures;        ///< of log.jsonl, in the order in which they first occur
};

/// The last figures of a log: of its last step as "train/nll", ..., of its last validation as
/// "valid/ppl", ...; of each metric that `keep_best` may name the best one and the step where it
/// first was, "best/ppl" and "best/ppl_step". What a clock measured is left out.
/// Throws   DataError starting with `where`
std::vector<std::pair<std::string, double>> final_figures(std::string_view log,
                                                          std::string_view where);

/// Reads config.yaml and log.jsonl of run folders; no checkpoint is looked at. A key that a run's
/// version did not know counts with its default.
/// Throws   UsageError when a folder is no run; CheckpointError when its config is damaged;
///          DataError; FileError
RunComparison compare_configs_and_figures(const std::vector<std::filesystem::path>& runs);

/// {"runs": [...], "settings": {key: [...]}, "figures": {name: [...]}}, null where there is none.
base::json::object to_json(const RunComparison& comparison);
/// The same as a table with a column for each run.
std::string to_table(const RunComparison& comparison);

}  // namespace banter::train
