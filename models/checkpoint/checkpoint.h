#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/errors.h"

/// Run folders and the checkpoints in them, as files; no torch.
///
///     RUN/CURRENT          names the best checkpoint ("step-200 <manifest sha256>")
///     RUN/LAST             names the newest
///     RUN/BEST.<metric>    one for each metric of keep_best
///     RUN/step-200/        model.safetensors optimizer.safetensors ema.safetensors config.yaml
///                          tokenizer.model state.json manifest.json; tokenizer.json and
///                          reply_tokenizer.model where the vocabulary was made elsewhere
///     RUN/average/         a run folder with the mean of checkpoints; `banter average` makes it
///     RUN/config.yaml      of the run;  RUN/log.jsonl  what happened
namespace banter::models {

/// The files of one checkpoint under construction: write them into `folder()`, then `publish`.
class CheckpointWriter {
 public:
  /// Makes RUN/.step-N.tmp, removing a leftover of a crash. Throws   FileError
  CheckpointWriter(std::filesystem::path run, std::int64_t step);
  ~CheckpointWriter();  ///< removes the unpublished folder
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// Writes manifest.json (sizes, SHA-256 of every file), syncs, renames to RUN/step-N, syncs.
  /// A step-N that stands there already is left as it is when it has the same manifest and
  /// verifies; another one (damaged, or of another state of the same step) is replaced.
  /// Throws   FileError; then RUN is as it was
  void publish();

 private:
  std::filesystem::path run_, folder_, final_;
  std::int64_t step_ = 0;
  bool published_ = false;
};

/// Points RUN/<pointer> (CURRENT, LAST, BEST.ppl) at step-N, durably.
/// Throws   CheckpointError when step-N has no manifest; FileError
void point_to(const std::filesystem::path& run, std::string_view pointer, std::int64_t step);
/// The step a pointer names, or -1 when the pointer does not exist. Throws   CheckpointError when
/// it is damaged
std::int64_t pointed_step(const std::filesystem::path& run, std::string_view pointer);

/// The steps whose folders are there, rising.
std::vector<std::int64_t> checkpoint_steps(const std::filesystem::path& run);
/// Whether RUN/step-N has a manifest: without one no pointer can name it.
bool has_manifest(const std::filesystem::path& run, std::int64_t step);

/// Takes RUN/step-N away, so that a crash leaves all of it or nothing under that name.
/// Throws   FileError
void remove_checkpoint(const std::filesystem::path& run, std::int64_t step);
/// Renames a damaged RUN/step-N to RUN/step-N.damaged (in place of an older one of that name), so
/// that it counts no longer but can be looked at. Throws   FileError
void set_checkpoint_aside(const std::filesystem::path& run, std::int64_t step);
/// Removes what crashes left behind: unpublished and half-removed checkpoints, small files that had
/// not yet taken the place of the old ones. RUN/step-N.old, which a crash can leave where folders
/// cannot be exchanged in one step, becomes step-N again when there is none. Only for the one
/// process that may write into the run.
/// Throws   FileError
void remove_leftovers(const std::filesystem::path& run);

/// A name on the command line: RUN, RUN@last, RUN@step-N, RUN@best:METRIC, RUN@ema,
/// RUN@average.
struct RunName {
  std::filesystem::path run;
  std::string which;  ///< "", "last", "step-200", "best:ppl", "ema", "average"
  /// Throws   UsageError listing the forms
  static RunName parse(std::string_view text);
};

/// A checkpoint folder whose manifest, sizes and hashes were checked.
struct Checkpoint {
  std::filesystem::path folder;
  std::int64_t step = 0;
  std::string hash;      ///< SHA-256 of manifest.json: names the checkpoint
  bool use_ema = false;  ///< weights are ema.safetensors
  std::string warning;   ///< set when the wanted one was damaged and an older one was taken
};

/// Finds and verifies a checkpoint. Sizes and hashes of all files are compared before any parser
/// sees them. `RUN` and `RUN@last` fall back to the newest one that verifies, with a `warning`.
/// Throws   CheckpointError "where, what, which rule, what to do": no such run, no checkpoint yet,
///          the names that exist, a damaged file
Checkpoint find_checkpoint(const RunName& name);
/// The recipe that says how a checkpoint's replies are chosen: the run's config.yaml, or, where the
/// checkpoint stands alone, its own, which holds only what its numbers depend on.
std::filesystem::path recipe_of(const Checkpoint& checkpoint);
/// Throws   CheckpointError naming the first file that is missing, cut or changed, or one of
///          those that are read that the manifest does not list
void verify_checkpoint(const std::filesystem::path& folder);

}  // namespace banter::models
