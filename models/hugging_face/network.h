#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "data/tokenizer/special_ids.h"
#include "models/layers/transformer/transformer_options.h"

/// The networks of Hugging Face's `transformers` that banter's `transformer` is the same as.
namespace banter::models {

/// What the networks of one `model_type` have in common and their config.json does not say.
struct Family {
  std::string_view model_type;    ///< "marian"
  std::string_view architecture;  ///< class that reads it
  std::string_view tokenizer;     ///< and its tokenizer's
  std::string_view norm;
  bool final_norm = false;
  std::string_view positions;
  std::int64_t position_offset = 0;
  bool embedding_norm = false;
};

/// The known ones, sorted by `model_type`.
std::vector<Family> families();

/// A network as config.json tells it: sizes, options, and the ids that it works with.
struct Network {
  Family family;
  TransformerOptions layers;
  std::int64_t encoder_layers = 0, decoder_layers = 0;
  bool tied = true;
  std::int64_t vocab_size = 0;
  std::int64_t max_positions = 0;
  data::TokenId pad = 0, eos = 0;
  data::TokenId decoder_start = data::SpecialIds::kNone;  ///< -1 where config.json has none
  data::TokenId forced_bos = data::SpecialIds::kNone;     ///< what every reply begins with, or -1
};

/// A folder's config.json, with the ids over it that newer folders keep in generation_config.json.
/// Throws   FileError, DataError
base::json::object read_config(const std::filesystem::path& folder);

/// Reads a config.json.
/// Throws   DataError naming `where`, the key and what it must be: another model_type, what the
///          `transformer` cannot be, a missing key
/// Source   transformers 5.24, configuration_marian.py, configuration_mbart.py and the models
Network network_of(const base::json::object& config, std::string_view where);

/// The way back: a config.json that `transformers` reads.
base::json::object config_json(const Network& network);

/// The recipe's `model` section. YAML, indented.
std::string model_section(const Network& network);

/// What of a config.json concerns training alone and is left out; "" when nothing is.
std::string left_out(const base::json::object& config);

}  // namespace banter::models
