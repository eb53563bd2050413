#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "data/batches/position.h"

namespace banter::train {

/// The best value of a metric so far and the step it was measured at.
struct Best {
  double value = 0;
  std::int64_t step = 0;
  bool operator==(const Best&) const = default;
};

/// Sums since the last line of the log, so that a run that goes on writes the same next line.
struct LossSoFar {
  double sum = 0;          ///< nats
  std::int64_t count = 0;  ///< labels
  bool operator==(const LossSoFar&) const = default;
};

/// What the schedule `plateau` has seen at the validations that were due.
struct Plateau {
  std::optional<double> best;  ///< value of the first metric of keep_best; none yet
  std::int64_t bad = 0;        ///< validations since it, or since the rate fell
  double factor = 1;           ///< of the rate that schedule has without it, in (0, 1]
  bool operator==(const Plateau&) const = default;
};

/// What a run knows that may go back to a checkpoint (`max_fall_backs`).
struct FallBack {
  std::int64_t count = 0;  ///< how often it did
  double factor = 1;       ///< of the rate, in (0, 1]
  /// The checkpoint to go back to: a whole interval behind it was sound, or a validation found it
  /// the best; 0 = none is proved yet.
  std::int64_t good = 0;
  std::int64_t last = 0;           ///< the newest that was due, 0 = none yet
  double loss = 0;                 ///< running average of the steps' losses that were not too high
  std::int64_t losses = 0;         ///< that are in it, up to its memory
  std::int64_t high_in_a_row = 0;  ///< losses above it, up to now

  /// The step to go back to, 0 = there is none.
  [[nodiscard]] std::int64_t target() const { return good > 0 ? good : last; }
  bool operator==(const FallBack&) const = default;
};

/// Where a run stands, beside its tensors: all that the next step depends on, nothing that a clock
/// measured. Stored as state.json; equal states give equal bytes.
struct TrainState {
  std::int64_t step = 0;                    ///< updates done
  data::MixPosition position;               ///< of the next batch
  std::optional<data::Position> pairs;      ///< of the next one of pairs beside dialogues
  std::int64_t labels = 0;                  ///< learned from so far
  std::int64_t skipped_steps = 0;           ///< whose gradient was not finite
  std::int64_t bad_in_a_row = 0;            ///< of them, up to now
  std::int64_t validated_step = 0;          ///< last validation
  std::uint64_t validated_epochs = 0;       ///< epochs that were over at it
  std::int64_t validations_since_best = 0;  ///< by the first metric of keep_best
  std::map<std::string, std::int64_t> others_since_best;  ///< by its other metrics
  std::map<std::string, Best> best;                       ///< by metric
  std::optional<Plateau> plateau;                         ///< of the schedule of that name
  std::optional<FallBack> fall_back;                      ///< where it may
  std::map<std::string, LossSoFar> since_log;             ///< by loss
  std::map<std::string, std::int64_t> updates;            ///< of each range of the arena
  int threads = 0;                                        ///< of computing; sums depend on it
  std::string store;                                      ///< hash of the store, or of the mix
  std::string tokenizer;                                  ///< hash of its tokenizer

  /// Of the recipe's `store`, which are over.
  [[nodiscard]] std::uint64_t epoch() const {
    return position.splits.empty() ? 0 : position.splits.front().epoch;
  }

  /// Whether the last step was bad, so that what it left is no good checkpoint.
  [[nodiscard]] bool is_suspect() const {
    return bad_in_a_row > 0 || (fall_back && fall_back->high_in_a_row > 0);
  }

  /// Validations since the best one by the metric at `place` of keep_best, which has this `name`.
  std::int64_t& since_best(std::size_t place, const std::string& name) {
    return place == 0 ? validations_since_best : others_since_best[name];
  }

  [[nodiscard]] std::string to_json() const;
  /// Throws   CheckpointError starting with `where`
  static TrainState from_json(std::string_view text, std::string_view where);
  bool operator==(const TrainState&) const = default;
};

}  // namespace banter::train
