#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json.h"
#include "models/decoding/options.h"
#include "models/hugging_face/network.h"

namespace banter::models {

/// The recipe's `decoding` section for what a folder's generation_config.json asks for, or, as
/// older folders have it, its config.json: num_beams, max_length, length_penalty, ... YAML. Throws
/// DataError naming the key whose value is no number
std::string decoding_section(const std::filesystem::path& folder, const Network& network);

/// The way back.
base::json::object generation_json(const DecodingOptions& options, const data::SpecialIds& special);

}  // namespace banter::models
