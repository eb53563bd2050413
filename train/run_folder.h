#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/lock.h"
#include "train/options.h"
#include "train/state.h"

namespace banter::train {

/// A run folder under this process's lock.
class RunFolder {
 public:
  /// Makes the folder when it is missing, locks it and removes what a crash left behind.
  /// Throws   FileError, at once when another process trains into it
  explicit RunFolder(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Whether a run was begun here.
  [[nodiscard]] bool has_run() const;

  /// Throws   ConfigError naming the first key whose value differs between the run's config.yaml
  ///          and `config` (both as `Config::dump` writes them), both values, and what to do.
  ///          Keys that only say where things are, when to stop, what to tell and what to keep may
  ///          differ; a key that an older version did not write has its default.
  void expect_same_config(std::string_view config) const;

  /// Makes pointers and kept checkpoints what `state` says: LAST and CURRENT, BEST.<metric>, the
  /// newest `keep_last`, the best ones and those to fall back to; others up to `state.step` go. A
  /// pure function of the state, so a crash in the middle is made good by the next call. Throws
  /// FileError
  void settle(const TrainState& state, const TrainOptions& options) const;

  /// Settles for a state that was gone back to, and removes the checkpoints behind it, the newest
  /// first: a crash meanwhile leaves a run that diverges and goes back once more.
  /// Throws   FileError
  void go_back(const TrainState& state, const TrainOptions& options) const;

 private:
  std::filesystem::path path_;
  base::FileLock lock_;
};

/// Moves a run folder to the first free RUN.old-1, RUN.old-2, ...; returns the new name.
/// Throws   FileError, at once when another process trains into it
std::filesystem::path move_run_aside(const std::filesystem::path& run);

/// The first key whose values differ between two YAML mappings, as "train.lr was 0.1, is 0.2"; ""
/// when all that matters agrees.
std::string config_difference(std::string_view before, std::string_view now);

}  // namespace banter::train
