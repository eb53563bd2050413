#include "train/run_folder.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "base/errors.h"
#include "base/files.h"
#include "models/checkpoint/checkpoint.h"
#include "train/flat_config.h"

namespace banter::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfig = "config.yaml";

/// Keys that a run may change while it goes on: no number of it depends on them.
constexpr std::array<std::string_view, 19> kMayDiffer = {
    "device",
    "pairs.store",
    "run",
    "store",
    "threads",
    "train.epochs",
    "train.keep_last",
    "train.log_every",
    "train.max_bad_steps",
    "train.max_fall_backs",
    "train.memory_share",
    "train.minutes",
    "train.patience",
    "train.prefetch",
    "train.samples",
    "train.save_every",
    "train.steps",
    "train.stop_when",
    "train.tensorboard",
};

/// Replies are chosen after training.
constexpr std::string_view kDecoding = "decoding.";

fs::path made(const fs::path& folder) {
  if (fs::exists(folder) && !fs::is_directory(folder))
    throw base::FileError(folder.string() +
                          ": the run folder cannot be made: a file of that name is in the way");
  base::make_folders(folder);
  return folder;
}

}  // namespace

std::string config_difference(std::string_view before, std::string_view now) {
  const auto old_values = flat_config(before);
  const auto new_values = flat_config(now);
  std::set<std::string> keys;
  for (const auto& [key, value] : old_values) keys.insert(key);
  for (const auto& [key, value] : new_values) keys.insert(key);
  const auto shown = [](const auto& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("absent") : found->second;
  };
  for (const auto& key : keys) {
    if (std::ranges::find(kMayDiffer, key) != kMayDiffer.end()) continue;
    if (key.starts_with(kDecoding)) continue;
    const auto was = shown(old_values, key), is = shown(new_values, key);
    if (was != is) return key + " was " + was + ", is " + is;
  }
  return {};
}

RunFolder::RunFolder(fs::path path) : path_(std::move(path)), lock_(made(path_) / ".lock") {
  models::remove_leftovers(path_);
}

bool RunFolder::has_run() const { return fs::exists(path_ / kConfig); }

void RunFolder::expect_same_config(std::string_view config) const {
  const auto before = base::read_file(path_ / kConfig, 1 << 20);
  std::string difference;
  try {
    difference = config_difference(before, config);
    if (!difference.empty())
      difference = config_difference(completed_config(before, (path_ / kConfig).string()), config);
  } catch (const YAML::Exception& error) {
    throw base::CheckpointError((path_ / kConfig).string() + ": damaged: " + error.what());
  }
  if (!difference.empty())
    throw base::ConfigError(path_.string() + ": " + difference +
                            ", and a run cannot change it midway; give another `run` folder, or "
                            "--restart to move this one aside and begin anew");
}

void RunFolder::settle(const TrainState& state, const TrainOptions& options) const {
  auto steps = models::checkpoint_steps(path_);
  const auto is_there = [&](std::int64_t step) {
    return std::ranges::binary_search(steps, step) && models::has_manifest(path_, step);
  };
  std::set<std::int64_t> kept;

  auto current = state.step;
  for (const auto& metric : options.keep_best) {
    const auto best = state.best.find(metric);
    if (best == state.best.end() || !is_there(best->second.step)) continue;
    models::point_to(path_, "BEST." + metric, best->second.step);
    kept.insert(best->second.step);
    if (metric == options.keep_best.front()) current = best->second.step;
  }
  if (state.fall_back) kept.insert({state.fall_back->good, state.fall_back->last});
  models::point_to(path_, "CURRENT", current);
  models::point_to(path_, "LAST", state.step);

  // Newer ones than this state (damaged, or the run went back) stay until they are written again.
  const auto newer = std::ranges::upper_bound(steps, state.step);
  steps.erase(newer, steps.end());
  const auto last = std::min(steps.size(), static_cast<std::size_t>(options.keep_last));
  kept.insert(steps.end() - static_cast<std::ptrdiff_t>(last), steps.end());
  for (const auto step : steps)
    if (!kept.contains(step)) models::remove_checkpoint(path_, step);
}

void RunFolder::go_back(const TrainState& state, const TrainOptions& options) const {
  settle(state, options);
  auto steps = models::checkpoint_steps(path_);
  for (; !steps.empty() && steps.back() > state.step; steps.pop_back())
    models::remove_checkpoint(path_, steps.back());
}

fs::path move_run_aside(const fs::path& run) {
  const base::FileLock lock(run / ".lock");
  for (int number = 1;; ++number) {
    auto aside = run.has_filename() ? run : run.parent_path();  // "runs/x/" too
    aside += ".old-" + std::to_string(number);
    if (fs::exists(aside)) continue;
    base::rename_durably(run, aside);
    return aside;
  }
}

}  // namespace banter::train
