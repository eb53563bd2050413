#include "models/hugging_face/network.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "models/hugging_face/config_keys.h"
#include "models/hugging_face/json_file.h"

namespace banter::models {
namespace {

namespace json = base::json;
using base::DataError;

// MarianLayer adds and normalises, with sines and cosines in halves; MBartLayer normalises first,
// its table of positions begins at row 2, and its embeddings are normalised, too.
constexpr std::array kFamilies = {
    Family{.model_type = "marian",
           .architecture = "MarianMTModel",
           .tokenizer = "MarianTokenizer",
           .norm = "post",
           .final_norm = false,
           .positions = "sinusoidal"},
    Family{.model_type = "mbart",
           .architecture = "MBartForConditionalGeneration",
           .tokenizer = "MBartTokenizer",
           .norm = "pre",
           .final_norm = true,
           .positions = "learned",
           .position_offset = 2,
           .embedding_norm = true},
};

Family family_of(const ConfigKeys& keys) {
  const auto type = keys.text("model_type", "");
  const auto* found = std::ranges::find(kFamilies, type, &Family::model_type);
  if (found != kFamilies.end()) return *found;
  std::string known;
  for (const auto& family : kFamilies)
    known += (known.empty() ? "" : " or ") + std::string(family.model_type);
  keys.fail("model_type", known);
}

/// Older folders say in keys of their own what the family is.
void check_family(const ConfigKeys& keys, const Family& family) {
  const bool is_pre = family.norm == "pre";
  keys.expect("is_encoder_decoder", true);
  keys.expect("normalize_before", is_pre);
  keys.expect("add_final_layer_norm", family.final_norm);
  keys.expect("normalize_embedding", family.embedding_norm);
  keys.expect("static_position_embeddings", family.positions == "sinusoidal");
  keys.expect("share_encoder_decoder_embeddings", true);
  keys.expect_equal("decoder_vocab_size", "vocab_size");
  keys.expect_equal("decoder_attention_heads", "encoder_attention_heads");
  keys.expect_equal("decoder_ffn_dim", "encoder_ffn_dim");
}

void check_sizes(const ConfigKeys& keys, const Network& network) {
  if (network.layers.dim % network.layers.heads != 0)
    keys.fail("encoder_attention_heads", "a divisor of \"d_model\"");
  if (network.family.positions == "sinusoidal" && network.layers.dim % 2 != 0)
    keys.fail("d_model", "an even number: one half of a position is sines");
  if (network.pad >= network.vocab_size || network.eos >= network.vocab_size ||
      network.decoder_start >= network.vocab_size || network.forced_bos >= network.vocab_size)
    keys.fail("vocab_size", "more than the ids that config.json names");
}

std::string yaml(bool value) { return value ? "true" : "false"; }

}  // namespace

std::vector<Family> families() { return {kFamilies.begin(), kFamilies.end()}; }

json::object read_config(const std::filesystem::path& folder) {
  auto config = read_json_file(folder / "config.json");
  const auto generation = read_json_file_if_there(folder / "generation_config.json");
  for (const auto* key : {"decoder_start_token_id", "forced_bos_token_id"})
    if (const auto* id = generation.if_contains(key); id != nullptr && !id->is_null())
      config[key] = *id;
  return config;
}

Network network_of(const json::object& config, std::string_view where) {
  const ConfigKeys keys(config, where);
  Network network;
  network.family = family_of(keys);
  check_family(keys, network.family);
  auto& o = network.layers;
  o.dim = keys.integer("d_model", 1);
  o.heads = keys.integer("encoder_attention_heads", 1);
  o.ffn_dim = keys.integer("encoder_ffn_dim", 1);
  o.norm = network.family.norm;
  o.final_norm = network.family.final_norm;
  o.positions = network.family.positions;
  o.position_offset = network.family.position_offset;
  o.embedding_norm = network.family.embedding_norm;
  o.scale_embedding = keys.flag("scale_embedding", false);
  o.activation = keys.activation("activation_function");
  o.dropout = keys.share("dropout", 0.1);
  o.activation_dropout = keys.share("activation_dropout", 0);
  network.encoder_layers = keys.integer("encoder_layers", 1);
  network.decoder_layers = keys.integer("decoder_layers", 1);
  network.tied = keys.flag("tie_word_embeddings", true);
  network.vocab_size = keys.integer("vocab_size", 1);
  network.max_positions = keys.integer("max_position_embeddings", 4);
  if (o.positions == "learned") o.max_positions = network.max_positions;
  network.pad = keys.integer("pad_token_id", 0);
  network.eos = keys.integer("eos_token_id", 0);
  if (keys.has("decoder_start_token_id"))
    network.decoder_start = keys.integer("decoder_start_token_id", 0);
  if (keys.has("forced_bos_token_id")) network.forced_bos = keys.integer("forced_bos_token_id", 0);
  check_sizes(keys, network);
  return network;
}

json::object config_json(const Network& network) {
  const auto& o = network.layers;
  json::object config;
  config["architectures"] = {network.family.architecture};
  config["model_type"] = network.family.model_type;
  config["is_encoder_decoder"] = true;
  config["vocab_size"] = network.vocab_size;
  if (network.family.model_type == "marian") {
    config["decoder_vocab_size"] = network.vocab_size;
    config["share_encoder_decoder_embeddings"] = true;
  }
  config["d_model"] = o.dim;
  for (const auto* side : {"encoder", "decoder"}) {
    const std::string name = side;
    config[name + "_layers"] = name == "encoder" ? network.encoder_layers : network.decoder_layers;
    config[name + "_attention_heads"] = o.heads;
    config[name + "_ffn_dim"] = o.ffn_dim;
  }
  config["activation_function"] = activation_there(o.activation);
  config["scale_embedding"] = o.scale_embedding;
  config["max_position_embeddings"] = network.max_positions;
  config["tie_word_embeddings"] = network.tied;
  config["dropout"] = o.dropout;
  config["activation_dropout"] = o.activation_dropout;
  config["attention_dropout"] = 0.0;
  config["pad_token_id"] = network.pad;
  config["eos_token_id"] = network.eos;
  config["decoder_start_token_id"] = network.decoder_start;
  config["dtype"] = "float32";
  return config;
}

std::string model_section(const Network& network) {
  const auto& o = network.layers;
  std::string text = "model:\n  type: transformer\n";
  const auto add = [&](const std::string& key, const std::string& value) {
    text += "  " + key + ": " + value + "\n";
  };
  add("dim", std::to_string(o.dim));
  add("heads", std::to_string(o.heads));
  add("ffn_dim", std::to_string(o.ffn_dim));
  add("encoder_layers", std::to_string(network.encoder_layers));
  add("decoder_layers", std::to_string(network.decoder_layers));
  add("norm", o.norm);
  add("final_norm", yaml(o.final_norm));
  add("positions", o.positions);
  if (o.positions == "learned") {
    add("max_positions", std::to_string(o.max_positions));
    add("position_offset", std::to_string(o.position_offset));
  }
  add("scale_embedding", yaml(o.scale_embedding));
  add("embedding_norm", yaml(o.embedding_norm));
  add("activation", o.activation);
  add("dropout", number_text(o.dropout));
  add("activation_dropout", number_text(o.activation_dropout));
  add("tied", yaml(network.tied));
  return text;
}

std::string left_out(const json::object& config) {
  std::string found;
  for (const auto* key : {"attention_dropout", "encoder_layerdrop", "decoder_layerdrop"}) {
    const auto* value = config.if_contains(key);
    if (value != nullptr && value->is_number() && value->to_number<double>() != 0)
      found += (found.empty() ? "" : ", ") + std::string(key) + " " +
               number_text(value->to_number<double>());
  }
  return found;
}

}  // namespace banter::models
