#pragma once

#include <filesystem>
#include <string_view>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/network.h"

namespace banter::models {

/// The tensors of a folder, in float32: of model.safetensors, or of the files that
/// model.safetensors.index.json lists. `loader`: the class of `transformers` that can convert one.
/// Throws   CheckpointError for pickled weights alone (they can run what they like) with the way to
///          convert them, a file of the index that lacks a tensor or has another file's; FileError
///          when there are no weights
NamedTensors read_weights(const std::filesystem::path& folder,
                          std::string_view loader = "AutoModelForSeq2SeqLM");
/// The same of one file. Throws   FileError, CheckpointError
NamedTensors read_weights_file(const std::filesystem::path& file);
/// Throws   CheckpointError for a pickled file, with the way to convert its folder
[[noreturn]] void refuse_pickled(const std::filesystem::path& file,
                                 const std::filesystem::path& folder, std::string_view loader);

/// A `transformer` model's tensors under their names there; the same memory, so that what is
/// assigned to them is the model's.
NamedTensors as_named_there(const torch::nn::Module& model);

/// Takes out of `tensors` what says nothing: the table of token vectors under its other names,
/// sines and cosines, numbers of versions; gives the table its own name. Throws   CheckpointError
/// when such a tensor says something, after all
void drop_copies(NamedTensors& tensors, const Network& network, std::string_view where);

}  // namespace banter::models
