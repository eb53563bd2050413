#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <torch/nn/module.h>
#include <torch/types.h>

namespace banter::models {

using NamedTensors = std::map<std::string, torch::Tensor>;

/// Writes a safetensors file, durably (fsync): names sorted, data on a 64-byte border, no gaps;
/// equal tensors and metadata give equal bytes. Float32, float64, int64, bool, bfloat16, float16.
/// Throws   FileError (disk full); CheckpointError for a dtype it has no name for
/// Source   huggingface/safetensors, format description in its README
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Reads a whole safetensors file into own memory (the file is not kept mapped).
/// Throws   FileError; CheckpointError by every rule of `parse_safetensors_header`
NamedTensors read_safetensors(const std::filesystem::path& path);

/// All parameters and buffers of a module by name.
NamedTensors named_tensors(const torch::nn::Module& module);

/// Copies saved tensors into live ones after checking names, shapes, dtypes and finiteness of all
/// of them: nothing is copied when anything disagrees.
/// Throws   CheckpointError "<what>:" and every disagreement
void assign_tensors(const NamedTensors& live, const NamedTensors& saved, std::string_view what);

/// Copies saved tensors into a module after checking names, shapes, dtypes and finiteness of all
/// of them: nothing is copied when anything disagrees.
/// Throws   CheckpointError listing every disagreement
void assign(torch::nn::Module& module, const NamedTensors& saved);

}  // namespace banter::models
