#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "models/checkpoint/safetensors.h"

namespace banter::train {

/// The mean of checkpoints' weights: parameters and buffers of model.safetensors.
///
/// Math     sums in float64, divided by their number, rounded once to the type that they have;
///          tensors of whole numbers and truths must be equal in all
/// Returns  by name, shapes and types as they were
/// Throws   CheckpointError naming the checkpoint and the first tensor that another one does not
///          have, or has in another shape, type or (whole numbers) value; FileError
models::NamedTensors mean_weights(const std::vector<std::filesystem::path>& checkpoints);

/// The steps of the `count` newest checkpoints of a run, rising.
/// Throws   CheckpointError when there are fewer
std::vector<std::int64_t> newest_steps(const std::filesystem::path& run, std::int64_t count);

/// The steps of the `count` best checkpoints of a run by a metric of its validations, as
/// RUN/log.jsonl tells them, rising; of equal ones the older.
/// Throws   CheckpointError when there are fewer that were validated by it; UsageError when no
///          validation knows the metric; DataError, FileError
std::vector<std::int64_t> best_steps(const std::filesystem::path& run, std::int64_t count,
                                     const std::string& metric);

/// How steps are chosen, for the record: {"last": 5}, or {"best": 3, "metric": "ppl"}.
struct AverageChoice {
  std::int64_t count = 0;  ///< 0 = all that there are, the newest 5 at most
  std::string metric;      ///< "" = the newest
};

/// Writes the mean of a run's checkpoints as the only one of the run folder `out`, under the newest
/// of their steps, with what is needed to load it and average.json; one that stood there goes.
/// Returns  the steps
/// Throws   as above; UsageError when `out` is a run that was trained; FileError
std::vector<std::int64_t> write_average(const std::filesystem::path& run,
                                        const AverageChoice& choice,
                                        const std::filesystem::path& out);

}  // namespace banter::train
