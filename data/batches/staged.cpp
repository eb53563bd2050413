#include "data/batches/staged.h"

namespace banter::data {

Batch staged(const Batch& batch, torch::Device device) {
  if (!device.is_cuda()) return batch;
  auto locked = batch;
  for (auto* tensor : {&locked.turn_ids, &locked.turn_keep, &locked.turn_speaker, &locked.turn_kind,
                       &locked.context, &locked.facts, &locked.reply_turn, &locked.reply_speaker,
                       &locked.decoder_input, &locked.labels})
    *tensor = tensor->pin_memory();
  return locked;
}

PairBatch staged(const PairBatch& pairs, torch::Device device) {
  if (!device.is_cuda()) return pairs;
  return {.texts = staged(pairs.texts, device),
          .label = pairs.label.pin_memory(),
          .pairs = pairs.pairs};
}

torch::Tensor moved(const torch::Tensor& tensor, torch::Device device) {
  return tensor.to(device, /*non_blocking=*/device.is_cuda());
}

}  // namespace banter::data
