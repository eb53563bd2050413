#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train/recipe.h"

namespace banter::train {

/// How resumption is proved.
struct ResumeTrial {
  std::int64_t steps = 20;  ///< of each training
  std::int64_t kills = 5;   ///< of the one, spread over them
  std::uint64_t seed = 1;   ///< of the moments
  bool quiet = false;
};

/// What was seen.
struct ResumeProof {
  std::vector<std::int64_t> killed_at;  ///< the last step that was logged before each kill
  std::int64_t resumed = 0;             ///< kills behind which a checkpoint stood
  std::int64_t validations = 0;         ///< of each of the two
  std::int64_t files = 0;               ///< that were compared
  std::uintmax_t bytes = 0;             ///< of them
  std::vector<std::string>
      differences;  ///< a line for each file that is not the same; none: proved
};

/// Trains by a recipe twice, each time in processes of their own and in a folder of its own: once
/// to the end, once killed (SIGKILL) again and again. Both must leave the same bytes: weights,
/// averages, optimizer, places in the data, what is best so far. Limits other than `steps` are
/// off, checkpoints are saved often, and a validation split is judged four times at least, by 200
/// replies at most; all else is the recipe's. The run's own folder is not touched.
///
/// Kills come at random moments, while a step is computed, a checkpoint is written or a split is
/// judged; what the run had not saved is lost and made again. Every step is logged, so that sums
/// between log lines are not put to the proof.
///
/// `folder`: a new folder for both, removed again when they agree.
/// Throws   UsageError when the folder is there; base::Error when a training fails by itself;
///          Stopped; FileError
ResumeProof verify_resume(const Recipe& recipe, const std::filesystem::path& folder,
                          const ResumeTrial& trial);

}  // namespace banter::train
