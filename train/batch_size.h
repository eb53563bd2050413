#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <torch/types.h>

#include "data/store/store.h"
#include "train/ranks/ranks.h"
#include "train/recipe.h"

namespace banter::train {

/// What `batch.tokens_per_batch: auto` came to.
struct BatchSize {
  std::int64_t tokens = 0;  ///< labels a batch
  std::int64_t bytes = 0;   ///< that a step with them takes, by the process that has the fewest
  std::int64_t budget = 0;  ///< bytes that it might have taken there
  std::string why;          ///< not more: "memory", "epoch" (it has few
                            ///< batches then), "most" (131,072), "process 3"
};

/// What a step with so many labels a batch takes.
struct Need {
  std::int64_t bytes = 0;
  bool is_enough = false;  ///< an epoch has few batches of them: more are not wanted
};

/// The largest of 64, 128, ... 131,072 whose need is within a budget, or half as much again where
/// that is, too; but none beyond the first that is enough. A number is only tried when the line
/// through the two before it stays within the budget, so nothing is taken that is far beyond it.
/// Throws   base::Error that says both figures when even 64 need more
BatchSize largest_within(std::int64_t budget, const std::function<Need(std::int64_t)>& need);

/// That of the process with the fewest labels, at each of them; of equal ones each keeps its own.
BatchSize smallest_of_all(Ranks& ranks, const BatchSize& own);

/// A recipe whose tokens_per_batch is a number, and how it was found, where this has found it.
struct Sized {
  Recipe recipe;
  std::optional<BatchSize> size;
};

/// Puts a number in the place of `auto`: that of the run which goes on (`run_config`, its
/// config.yaml; "" when there is none), else the largest that `train.memory_share` of the free
/// memory allows, the smallest of all processes'; but none beyond the first of which an epoch has
/// fewer than 16 batches. A recipe with a number stays as it is. All processes call it together;
/// process 0's `run_config` counts.
///
/// A step takes what is measured while the worst of the first 256 batches of an epoch go forward
/// and backward (those with the most of turns, contexts and replies), and what the optimizer and
/// the average keep. On the CPU the growth of resident memory is measured, elsewhere what the
/// device's allocator reserves. Draws from LibTorch's generator.
/// Throws   base::Error when there is no memory for the smallest; ConfigError; Stopped
Sized with_batch_size(const Recipe& recipe, const data::Store& store, torch::Device device,
                      const std::string& run_config, Ranks& ranks);

}  // namespace banter::train
