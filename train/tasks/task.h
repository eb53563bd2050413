#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "base/json.h"
#include "data/store/store.h"
#include "models/dialogue_model.h"
#include "train/ranks/ranks.h"
#include "train/recipe.h"
#include "train/state.h"

namespace banter::train {

/// Which of a step's micro-batches a process makes: number i where i % of = rank.
struct Share {
  int rank = 0, of = 1;
  [[nodiscard]] bool has(std::int64_t number) const { return number % of == rank; }
};

/// Numbers that a batch holds, padding counted: what its memory grows with.
struct Cells {
  std::int64_t turns = 0;    ///< of the encoded turns and facts
  std::int64_t stream = 0;   ///< of the replies' contexts as single streams
  std::int64_t replies = 0;  ///< of the decoder
};
Cells cells_of(const data::Batch& batch);

/// A part of a step, whose gradient is added to those of the others.
struct MicroBatch {
  std::int64_t number = 0;  ///< among those of all processes
  std::int64_t labels = 0;  ///< learned from, as a run counts them
  /// Of each of its losses; known without a forward pass.
  std::vector<std::pair<std::string, std::int64_t>> counts;
  /// The forward pass for the update that follows so many; in that order, and those that do not
  /// count in it may be missing.
  std::function<std::vector<models::LossSum>(std::int64_t updates)> losses;
  std::function<Cells()> cells;
};

/// How much there is to learn from in an epoch: "dialogues", "replies", "pairs" and their numbers;
/// "pairs_of_dropped", pairs that were made from dialogues that it does not learn from.
using Amounts = std::vector<std::pair<std::string, std::uint64_t>>;

/// What one pass over the validation split says.
struct Judgement {
  std::map<std::string, double> metrics;
  std::int64_t count = 0;
  std::string_view unit;        ///< of the count: replies, pairs
  base::json::array samples{};  ///< replies to contexts of the split; see `decoded_samples`
  std::string no_samples{};     ///< why there are none where some were asked for
};

/// A model with what it learns from and is judged on: all that the training loop knows of either.
class Task {
 public:
  virtual ~Task() = default;

  [[nodiscard]] virtual torch::nn::Module& model() = 0;
  /// What a loss counts for in the update that follows `updates` of them.
  [[nodiscard]] virtual double loss_weight(std::string_view loss, std::int64_t updates) const = 0;
  /// The first step that may move a parameter; 0 = any.
  [[nodiscard]] virtual std::int64_t active_from(const std::string& parameter) const = 0;

  /// A process' share of the micro-batches of a step, of which there are `micro_batches` for each;
  /// and moves on behind all of them. However they are shared, they are the same together.
  virtual std::vector<MicroBatch> next(Share share) = 0;
  /// Writes into a state where it is, and goes to where a state is.
  virtual void note_place(TrainState& state) const = 0;
  virtual void seek(const TrainState& state) = 0;
  [[nodiscard]] virtual std::uint64_t windows() const = 0;  ///< an epoch's
  [[nodiscard]] virtual std::string data_hash() const = 0;  ///< names all that it learns from
  [[nodiscard]] virtual Amounts learned_from() const = 0;   ///< how much that is

  [[nodiscard]] virtual bool is_judged() const = 0;  ///< whether there is a validation split
  /// In eval mode without gradients; leaves the model as it was. All processes call it together,
  /// each judges a share of the batches, and each gets the figures of one process that judges all.
  /// Nothing when a signal came to any of them.
  [[nodiscard]] virtual std::optional<Judgement> judge(Ranks& ranks) = 0;
};

/// The task of a recipe, whose `batch.tokens_per_batch` is a number. `store` must outlive it.
/// Throws   ConfigError, DataError
std::unique_ptr<Task> make_task(const Recipe& recipe, const data::Store& store,
                                torch::Device device);

}  // namespace banter::train
