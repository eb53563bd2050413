#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "models/hugging_face/vocabulary.h"

namespace banter::models {

struct ImportOptions {
  Languages languages = {};
  std::int64_t max_context_turns = 1;  ///< last turns of a context that the model is given, >= 1
};

/// What an import made, to be told.
struct Imported {
  std::string model_type;
  std::int64_t parameters = 0;
  std::int64_t vocab_size = 0;
  std::string left_out;   ///< of config.json: what concerns training alone
  std::string not_asked;  ///< of generation_config.json: what replies are chosen without
};

/// Makes a run of a Hugging Face folder. The run is written beside and renamed.
/// Throws   UsageError when `run` is there; FileError, DataError, CheckpointError naming the file,
///          the key or the tensors that do not fit, or what no command could open; then there is no
///          run
Imported import_folder(const std::filesystem::path& folder, const std::filesystem::path& run,
                       const ImportOptions& options);

/// Makes a Hugging Face folder of a run, written beside and renamed. Returns its model_type.
/// Throws   UsageError when `folder` is there; CheckpointError when the run cannot be read, or is
///          none of the known networks: names what differs
std::string export_folder(const std::string& run_name, const std::filesystem::path& folder);

}  // namespace banter::models
