#include "tests/bench/batch_file.h"

#include <string>

#include "models/checkpoint/safetensors.h"

namespace banter::tests {

namespace {

void add_batch(const std::string& name, const data::Batch& batch, models::NamedTensors& tensors) {
  tensors[name + "turn_ids"] = batch.turn_ids;
  tensors[name + "turn_keep"] = batch.turn_keep;
  tensors[name + "turn_speaker"] = batch.turn_speaker;
  tensors[name + "context"] = batch.context;
  tensors[name + "facts"] = batch.facts;
  tensors[name + "decoder_input"] = batch.decoder_input;
  tensors[name + "labels"] = batch.labels;
}

}  // namespace

void write_batches(const std::filesystem::path& path, const std::vector<data::Batch>& batches,
                   const std::vector<data::PairBatch>& pairs) {
  models::NamedTensors tensors;
  for (std::size_t n = 0; n < batches.size(); ++n)
    add_batch(std::to_string(n) + ".", batches[n], tensors);
  for (std::size_t n = 0; n < pairs.size(); ++n) {
    const auto name = std::to_string(n) + ".pairs.";
    add_batch(name, pairs[n].texts, tensors);
    tensors[name + "label"] = pairs[n].label;
  }
  models::write_safetensors(path, tensors);
}

data::PairStream pairs_of(const data::Store& store, const data::BatchOptions& options) {
  return {store.split("train"), options, store.tokenizer().special(), data::PairChoice::kDecided,
          /*seed=*/1};
}

void write_log_probs(const std::filesystem::path& path,
                     const std::vector<torch::Tensor>& log_probs) {
  models::NamedTensors tensors;
  for (std::size_t n = 0; n < log_probs.size(); ++n)
    tensors[std::to_string(n) + ".log_probs"] = log_probs[n].to(torch::kDouble);
  models::write_safetensors(path, tensors);
}

}  // namespace banter::tests
