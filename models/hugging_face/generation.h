#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json.h"
#include "models/decoding/options.h"
#include "models/hugging_face/network.h"

namespace banter::models {

/// How a folder's replies are chosen.
struct Generation {
  DecodingOptions options;
  std::string left_out;  ///< what its files ask for besides; "" when nothing is
};

/// Reads what a folder's generation_config.json asks for, or, as older folders have it, its
/// config.json: num_beams, max_length, min_length, length_penalty, ...
/// Throws   FileError; DataError naming the file and the key whose value is no number, or is one
///          that `decoding` cannot have
/// Source   transformers 5.24, generation/configuration_utils.py and logits_process.py
Generation read_generation(const std::filesystem::path& folder, const Network& network);

/// The recipe's `decoding` section. YAML, indented.
std::string decoding_section(const DecodingOptions& options);

/// The way back: a generation_config.json under which no reply outgrows the network's positions.
base::json::object generation_json(const DecodingOptions& options, const data::SpecialIds& special,
                                   std::int64_t max_positions);

}  // namespace banter::models
