#include "data/batches/staged.h"

namespace banter::data {

Batch staged(const Batch& batch, torch::Device device) {
  if (!device.is_cuda()) return batch;
  return batch.with_each([](const torch::Tensor& tensor) { return tensor.pin_memory(); });
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
