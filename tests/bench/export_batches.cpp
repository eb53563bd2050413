// Writes batches of a store for tests/bench/reference/hred_reference.py, and what a trained model
// says of them in float64:
//
//     export_batches STORE FILE [--split S] [--shuffle dialogue|reply|none] [--count N] [--pairs]
//                               [--tokens N] [--turn-tokens N] [--run RUN --scores FILE]
//
// dialogue and reply give the batches of training, with --pairs beside each of them one of sentence
// pairs; none gives the split in its own order with whole replies. The limits are the run's where
// one is given.
//
//     export_batches stores/ubuntu valid.safetensors --split valid --shuffle none --run runs/ubuntu
//         --scores scores.safetensors
//     hred_reference.py score valid.safetensors --weights runs/ubuntu/step-N/model.safetensors
//         --expected scores.safetensors

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/errors.h"
#include "data/store/store.h"
#include "models/checkpoint/load_model.h"
#include "tests/bench/batch_file.h"

namespace banter::tests {
namespace {

struct Settings {
  std::string store, file, split = "train", shuffle = "dialogue", run, scores;
  std::size_t count = 0;  ///< 0 = one epoch
  std::int64_t tokens = 0, turn_tokens = 0;
  bool pairs = false;
};

data::BatchOptions limited(data::BatchOptions options, const Settings& s) {
  if (s.tokens > 0) options.tokens_per_batch = s.tokens;
  if (s.turn_tokens > 0) options.max_turn_tokens = options.max_reply_tokens = s.turn_tokens;
  return options;
}

std::vector<data::Batch> take(const data::Store& store, const Settings& s,
                              data::BatchOptions options) {
  const auto& split = store.split(s.split);
  const auto& special = store.tokenizer().special();
  std::vector<data::Batch> batches;
  const auto wanted = [&] { return s.count == 0 || batches.size() < s.count; };
  if (s.shuffle == "none") {
    data::EvaluationStream stream(split, options, special);
    for (data::Batch batch; wanted() && stream.next(batch);) batches.push_back(batch);
    return batches;
  }
  options.shuffle = s.shuffle;
  data::BatchStream stream(split, options, special, /*seed=*/1);
  while (wanted() && (s.count > 0 || stream.position().epoch == 0))
    batches.push_back(stream.next());
  return batches;
}

std::vector<data::PairBatch> take_pairs(const data::Store& store, std::size_t count,
                                        const data::BatchOptions& options) {
  std::vector<data::PairBatch> batches;
  if (count == 0) return batches;  // the store may have none
  auto stream = pairs_of(store, options);
  while (batches.size() < count) batches.push_back(stream.next());
  return batches;
}

void run(const Settings& s) {
  const auto store = data::Store::open(s.store);
  std::optional<models::LoadedModel> loaded;
  if (!s.run.empty()) loaded = models::load_model(s.run, torch::kCPU, torch::kFloat64);
  const auto options = limited(loaded ? loaded->batch : data::BatchOptions{}, s);
  const auto batches = take(store, s, options);
  write_batches(s.file, batches, take_pairs(store, s.pairs ? batches.size() : 0, options));
  if (!loaded) return;

  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> log_probs;
  for (const auto& batch : batches) log_probs.push_back(loaded->model->score(batch).log_probs);
  write_log_probs(s.scores, log_probs);
}

}  // namespace
}  // namespace banter::tests

int main(int argc, char** argv) {
  banter::tests::Settings s;
  CLI::App app("Batches of a store for the reference program", "export_batches");
  app.add_option("store", s.store)->required();
  app.add_option("file", s.file)->required();
  app.add_option("--split", s.split)->capture_default_str();
  app.add_option("--shuffle", s.shuffle)
      ->capture_default_str()
      ->check(CLI::IsMember({"dialogue", "reply", "none"}));
  app.add_option("--count", s.count, "batches; 0 = one epoch");
  app.add_option("--tokens", s.tokens, "labels a batch, instead of the default or the run's");
  app.add_option("--turn-tokens", s.turn_tokens, "longest turn and reply, likewise");
  app.add_flag("--pairs", s.pairs, "a batch of the store's sentence pairs beside each batch");
  auto* scores = app.add_option("--scores", s.scores);
  app.add_option("--run", s.run)->needs(scores);
  CLI11_PARSE(app, argc, argv);
  try {
    banter::tests::run(s);
  } catch (const banter::base::Error& error) {
    std::cerr << "export_batches: " << error.what() << "\n";
    return error.exit_code();
  }
}
