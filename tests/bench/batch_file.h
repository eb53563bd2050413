#pragma once

#include <filesystem>
#include <vector>

#include <torch/types.h>

#include "data/batches/batch.h"
#include "data/batches/pair_stream.h"
#include "data/store/store.h"

namespace banter::tests {

/// Writes batches as a safetensors file that tests/bench/reference/hred_reference.py reads, so that
/// another program sees the very same examples: tensors "N.turn_ids", "N.context", ... of batch N.
/// Pairs of the same number stand beside them as "N.pairs.turn_ids", ... and "N.pairs.label".
/// Throws   FileError
void write_batches(const std::filesystem::path& path, const std::vector<data::Batch>& batches,
                   const std::vector<data::PairBatch>& pairs = {});

/// The sentence pairs that hred_speed and export_batches take beside a training's replies.
data::PairStream pairs_of(const data::Store& store, const data::BatchOptions& options);

/// Writes what the program's `score --expected` compares with: "N.log_probs" (B,S), in float64.
/// Throws   FileError
void write_log_probs(const std::filesystem::path& path,
                     const std::vector<torch::Tensor>& log_probs);

}  // namespace banter::tests
