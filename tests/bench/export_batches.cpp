// Writes batches of a store for tests/bench/reference/hred_reference.py, and what a trained model
// says of them in float64:
//
//     export_batches STORE SPLIT SHUFFLE COUNT BATCHES [RUN SCORES]
//
// SHUFFLE is dialogue or reply (the batches of training, batch options of RUN where it is given),
// or none (the split in its own order, whole replies); COUNT 0 = one epoch.
//
//     export_batches stores/ubuntu valid none 0 valid.safetensors runs/ubuntu scores.safetensors
//     hred_reference.py score valid.safetensors --weights runs/ubuntu/step-N/model.safetensors
//         --expected scores.safetensors

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "data/store.h"
#include "models/checkpoint/load_model.h"
#include "tests/bench/batch_file.h"

namespace banter::tests {
namespace {

std::vector<data::Batch> take(const data::Store& store, const std::string& split_name,
                              data::BatchOptions options, const std::string& shuffle,
                              std::size_t count) {
  const auto& split = store.split(split_name);
  const auto& special = store.tokenizer().special();
  std::vector<data::Batch> batches;
  const auto wanted = [&] { return count == 0 || batches.size() < count; };
  if (shuffle == "none") {
    data::EvaluationStream stream(split, options, special);
    for (data::Batch batch; wanted() && stream.next(batch);) batches.push_back(batch);
    return batches;
  }
  options.shuffle = shuffle;
  data::BatchStream stream(split, options, special, /*seed=*/1);
  while (wanted() && (count > 0 || stream.position().epoch == 0)) batches.push_back(stream.next());
  return batches;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 5 && arguments.size() != 7) {
    std::cerr << "usage: export_batches STORE SPLIT dialogue|reply|none COUNT BATCHES "
                 "[RUN SCORES]\n";
    return 2;
  }
  const auto store = data::Store::open(arguments[0]);
  std::optional<models::LoadedModel> loaded;
  if (arguments.size() == 7)
    loaded = models::load_model(arguments[5], torch::kCPU, torch::kFloat64);
  const auto batches = take(store, arguments[1], loaded ? loaded->batch : data::BatchOptions{},
                            arguments[2], std::stoul(arguments[3]));
  write_batches(arguments[4], batches);
  if (!loaded) return 0;

  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> log_probs;
  for (const auto& batch : batches) log_probs.push_back(loaded->model->score(batch).log_probs);
  write_log_probs(arguments[6], log_probs);
  return 0;
}

}  // namespace
}  // namespace banter::tests

int main(int count, char** arguments) {
  try {
    return banter::tests::run({arguments + 1, arguments + count});
  } catch (const banter::base::Error& error) {
    std::cerr << "export_batches: " << error.what() << "\n";
    return error.exit_code();
  }
}
