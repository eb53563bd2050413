#include "train/tasks/task.h"

#include "train/tasks/dialogue_task.h"
#include "train/tasks/pair_task.h"

namespace banter::train {

std::unique_ptr<Task> make_task(const Recipe& recipe, const data::Store& store,
                                torch::Device device) {
  if (recipe.judged_on == JudgedOn::kPairs)
    return std::make_unique<PairTask>(recipe, store, device);
  return std::make_unique<DialogueTask>(recipe, store, device);
}

}  // namespace banter::train
