#include "tests/bench/batch_file.h"

#include <string>

#include "models/checkpoint/safetensors.h"

namespace banter::tests {

void write_batches(const std::filesystem::path& path, const std::vector<data::Batch>& batches) {
  models::NamedTensors tensors;
  for (std::size_t n = 0; n < batches.size(); ++n) {
    const auto name = std::to_string(n) + ".";
    const auto& batch = batches[n];
    tensors[name + "turn_ids"] = batch.turn_ids;
    tensors[name + "turn_keep"] = batch.turn_keep;
    tensors[name + "turn_speaker"] = batch.turn_speaker;
    tensors[name + "context"] = batch.context;
    tensors[name + "facts"] = batch.facts;
    tensors[name + "decoder_input"] = batch.decoder_input;
    tensors[name + "labels"] = batch.labels;
  }
  models::write_safetensors(path, tensors);
}

void write_log_probs(const std::filesystem::path& path,
                     const std::vector<torch::Tensor>& log_probs) {
  models::NamedTensors tensors;
  for (std::size_t n = 0; n < log_probs.size(); ++n)
    tensors[std::to_string(n) + ".log_probs"] = log_probs[n].to(torch::kDouble);
  models::write_safetensors(path, tensors);
}

}  // namespace banter::tests
