#pragma once

#include <filesystem>
#include <vector>

#include <torch/torch.h>

#include "data/batches/batch.h"

namespace banter::tests {

/// Writes batches as a safetensors file that tests/bench/reference/hred_reference.py reads, so that
/// another program sees the very same examples: tensors "N.turn_ids", "N.context", ... of batch N.
/// Throws   FileError
void write_batches(const std::filesystem::path& path, const std::vector<data::Batch>& batches);

/// Writes what the program's `score --expected` compares with: "N.log_probs" (B,S), in float64.
/// Throws   FileError
void write_log_probs(const std::filesystem::path& path,
                     const std::vector<torch::Tensor>& log_probs);

}  // namespace banter::tests
