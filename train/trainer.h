#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data/store/store.h"
#include "train/batch_size.h"
#include "train/ranks/ranks.h"
#include "train/recipe.h"
#include "train/run_folder.h"
#include "train/state.h"

namespace banter::train {

/// How a training ended.
struct TrainResult {
  TrainState state;
  std::string why;       ///< steps, epochs, patience, minutes, signal
  int signal = 0;        ///< that asked to stop, 0 = none
  bool went_on = false;  ///< whether any step was made
};

/// The training loop: one for all models.
///
///     validate when due -> stop when told, saved -> save when due -> one step -> again
///
/// Everything that a step depends on is in TrainState and the tensors beside it, so a run that is
/// killed at any moment and started again makes the same numbers as one that was not (same machine,
/// same threads).
class Trainer {
 public:
  /// Builds the model, or goes on from the newest checkpoint of `folder` that verifies. Of several
  /// processes the first has the Trainer, the others `follow`.
  /// `folder`, `store` and `ranks` must outlive it.
  /// Throws   CheckpointError when no checkpoint of the run can be used, or it was trained on
  ///          another store or tokenizer; ConfigError; DataError when a split is missing
  Trainer(const RunFolder& folder, const Recipe& recipe, const data::Store& store, bool quiet,
          Ranks& ranks = alone());
  ~Trainer();

  /// Trains until one of the limits is reached or a signal comes; then all is saved.
  /// Throws   FileError when a checkpoint cannot be written (the one before it stays whole);
  ///          base::Error when the gradient was not finite too often
  TrainResult run();

  [[nodiscard]] const TrainState& state() const;

  /// How the recipe's batch size was found, to be told; nothing where it was given.
  std::optional<BatchSize> batch_size;
  /// Called after every step; what it throws ends the run without saving. For tests.
  std::function<void(const TrainState&)> after_step;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banter::train
