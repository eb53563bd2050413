#pragma once

#include <filesystem>
#include <string>

namespace banter::models {

/// Makes a folder of a run of any type: model.safetensors, config.json (type, sizes, special ids,
/// limits), the tokenizer's files, and README.md, which lists every tensor with its shape and type.
/// Written beside and renamed. Returns the model's type.
/// Throws   UsageError when `folder` is there; CheckpointError when the run cannot be read
std::string export_tensors(const std::string& run_name, const std::filesystem::path& folder);

}  // namespace banter::models
