#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"

/// Folders of the `transformers` library, and what it computes with them: expected.json and
/// encoders.json are made by the scripts of tests/models/reference.
namespace banter::models {

inline const std::filesystem::path kFixtures = BANTER_SOURCE_DIR "/tests/fixtures/hugging_face";
inline const std::filesystem::path kEncoders = kFixtures / "encoders";
inline const std::filesystem::path kReferenceScripts = BANTER_SOURCE_DIR "/tests/models/reference";
inline constexpr const char* kWeights = "model.safetensors";
inline constexpr double kTolerance = 1e-4;  ///< of what the library computes in float32

inline base::json::object read_object(const std::filesystem::path& path) {
  return base::parse_json(base::read_file(path), path.string()).as_object();
}

/// The message of `make`, "" when it throws none.
inline std::string message_of(const std::function<void()>& make) {
  try {
    make();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace banter::models
