#include "train/tasks/task.h"

#include "base/errors.h"
#include "train/tasks/dialogue_task.h"
#include "train/tasks/pair_task.h"
#include "train/tasks/prefetched_task.h"

namespace banter::train {

Cells cells_of(const data::Batch& batch) {
  const auto lengths = batch.turn_keep.sum(1);           // (M)
  const auto longest = [&](const torch::Tensor& rows) {  // (B,U)
    if (rows.size(1) == 0) return torch::zeros({rows.size(0)}, torch::kInt64);
    return lengths.index_select(0, rows.clamp_min(0).flatten())
        .view_as(rows)
        .masked_fill(rows < 0, 0)
        .sum(1);
  };
  const auto stream = longest(batch.context) + longest(batch.facts);  // (B)
  return {.turns = batch.turn_ids.numel(),
          .stream = batch.replies() * stream.max().item<std::int64_t>(),
          .replies = batch.decoder_input.numel()};
}

namespace {

std::unique_ptr<Task> make_plain_task(const Recipe& recipe, const data::Store& store,
                                      torch::Device device) {
  if (recipe.batch.tokens_per_batch == data::BatchOptions::kAuto)
    throw base::ConfigError("batch.tokens_per_batch: auto: has not been measured; give a number");
  if (recipe.judged_on == JudgedOn::kPairs)
    return std::make_unique<PairTask>(recipe, store, device);
  return std::make_unique<DialogueTask>(recipe, store, device);
}

}  // namespace

std::unique_ptr<Task> make_task(const Recipe& recipe, const data::Store& store,
                                torch::Device device) {
  auto task = make_plain_task(recipe, store, device);
  const auto wanted = recipe.train.prefetch;
  const auto ahead = wanted >= 0 ? wanted : device.is_cuda() ? 1 : 0;
  if (ahead == 0) return task;
  return std::make_unique<PrefetchedTask>(std::move(task), static_cast<std::size_t>(ahead));
}

}  // namespace banter::train
