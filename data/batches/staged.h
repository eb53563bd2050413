#pragma once

#include <torch/types.h>

#include "data/batches/batch.h"
#include "data/batches/pair_batch.h"

namespace banter::data {

/// A batch where a device will want it: for a GPU in page-locked memory, from which `to` copies
/// while the caller goes on; else as it is. Any thread.
Batch staged(const Batch& batch, torch::Device device);
PairBatch staged(const PairBatch& pairs, torch::Device device);

/// On a device; a copy to a GPU from page-locked memory goes on while the caller does.
torch::Tensor moved(const torch::Tensor& tensor, torch::Device device);

}  // namespace banter::data
