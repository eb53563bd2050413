#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "data/store/store.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/encoder_start.h"
#include "train/arena.h"
#include "train/init_from.h"
#include "train/optimizer.h"
#include "train/ranks/gradient_sum.h"
#include "train/ranks/ranks.h"
#include "train/recipe.h"
#include "train/state.h"
#include "train/tasks/task.h"

namespace banter::train {

/// A model that learns: the tensors and the TrainState that make a checkpoint, and the step that
/// takes them from one to the next.
///
/// What a step makes depends on these alone, so they may be saved, killed and loaded anywhere.
class Learner {
 public:
  /// At step 0. Throws   ConfigError when the device has not the recipe's precision. `store` and
  /// `ranks` must outlive it. With several processes each has a learner of its own, and all call
  /// `step`, `judge`, `share_state` and `expect_one_state` together.
  Learner(const Recipe& recipe, const data::Store& store, torch::Device device, Ranks& ranks);
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// One update from the micro-batches of a step, their losses scaled by the counts of all of
  /// them, whichever process makes them. A gradient that is not finite is counted and leaves the
  /// parameters alone. With several processes the counts are summed first, then the flat gradient,
  /// and each makes the update, with the same bytes.
  ///
  /// Returns  false when a signal came to any process before it was done; then nothing has changed
  /// Throws   base::Error when `max_bad_steps` in a row were bad and it cannot fall back
  bool step();
  /// At process 0: why a checkpoint has to be gone back to before the next step
  /// (`max_fall_backs`); "" = it has not.
  [[nodiscard]] const std::string& divergence() const { return divergence_; }
  /// At process 0: takes the checkpoint that `state` falls back to, in `run`, with a lower rate.
  /// Throws   CheckpointError
  void fall_back(const std::filesystem::path& run);

  /// Process 0's state and tensors go to the others, which need not see the run's folder.
  /// Throws   CheckpointError at one that learns from other data
  void share_state();
  /// Throws   base::Error at each process when the weights of any are not those of process 0
  void expect_one_state();
  /// Whether a signal to stop has reached any process.
  [[nodiscard]] bool is_told_to_stop() const;

  /// Takes the parameters that fit from another run's checkpoint, at step 0; see `init_from`.
  Initialised start_from(const std::string& run_name);
  /// Takes them from a pretrained encoder, a folder or file; see `start_from_encoder`.
  models::EncoderStart start_from_encoder(const std::string& place);

  /// Writes all files of a checkpoint but its manifest. Throws   FileError
  void save_into(const std::filesystem::path& folder);
  /// Takes them back. Throws   CheckpointError when they are of another store, tokenizer or model
  void load(const std::filesystem::path& folder);

  [[nodiscard]] bool is_judged() const { return task_->is_judged(); }
  /// One pass over the validation split, which all processes share and all learn the result of;
  /// nothing when a signal came to any.
  [[nodiscard]] std::optional<Judgement> judge();
  /// What the user should know of how it learns.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  [[nodiscard]] torch::Device device() const { return device_; }
  [[nodiscard]] std::int64_t parameters() const;
  [[nodiscard]] Amounts learned_from() const { return task_->learned_from(); }
  /// Of the last step, before it was cut.
  [[nodiscard]] double grad_norm() const { return grad_norm_; }
  /// Passed so far, with the share of the current one.
  [[nodiscard]] double epochs() const;

  TrainState state;

 private:
  using Counts = std::map<std::string, std::int64_t>;
  using Sums = std::map<std::string, double>;
  bool sum_counts(Counts& counts, std::int64_t& labels);
  void share_rate();
  void sum_gradient(Sums& sums, const Counts& counts);
  std::vector<torch::Tensor> tensors();
  std::vector<models::LossSum> forward(const MicroBatch& batch);
  Sums learn_from(const MicroBatch& batch, const Counts& counts);
  void update(std::int64_t number, const Counts& counts, const Sums& sums);
  void watch_loss(std::int64_t number, const Counts& counts, const Sums& sums);
  void diverged(std::int64_t number, const std::string& why);
  void take(TrainState saved);
  [[nodiscard]] models::NamedTensors averaged() const;
  void expect_same(std::string_view what, const std::string& was, const std::string& is) const;

  Recipe recipe_;
  TrainOptions options_;
  const data::Store& store_;
  const std::string config_;  ///< of checkpoints
  torch::Device device_;
  Ranks& ranks_;
  bool is_told_to_stop_ = false;
  std::unique_ptr<Task> task_;
  Arena arena_;
  Optimizer optimizer_;
  std::optional<AveragedWeights> average_;
  std::unique_ptr<GradientSum> gradient_sum_;
  std::vector<std::string> warnings_;
  double grad_norm_ = 0;
  std::string divergence_;
};

}  // namespace banter::train
