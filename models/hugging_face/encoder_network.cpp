#include "models/hugging_face/encoder_network.h"

#include <algorithm>
#include <array>

#include "models/hugging_face/config_keys.h"
#include "models/hugging_face/json_file.h"

namespace banter::models {
namespace {

constexpr std::array<std::string_view, 4> kModelTypes = {"bert", "camembert", "roberta",
                                                         "xlm-roberta"};

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::int64_t value) { return std::to_string(value); }
std::string text_of(double value) { return number_text(value); }
std::string text_of(const std::string& value) { return value; }

}  // namespace

TransformerOptions encoder_options() {
  TransformerOptions o;
  o.norm = "post";
  o.final_norm = false;
  o.positions = "learned";
  o.scale_embedding = false;
  o.embedding_norm = true;
  o.activation = "gelu";
  return o;
}

std::int64_t position_offset_of(std::string_view model_type, std::int64_t pad) {
  return model_type == "bert" ? 0 : pad + 1;
}

double usual_norm_eps(std::string_view model_type) { return model_type == "bert" ? 1e-12 : 1e-5; }

EncoderNetwork encoder_network_of(const base::json::object& config, std::string_view where) {
  const ConfigKeys keys(config, where);
  EncoderNetwork network;
  network.model_type = keys.text("model_type", "");
  if (std::ranges::find(kModelTypes, network.model_type) == kModelTypes.end())
    keys.fail("model_type", "bert, camembert, roberta or xlm-roberta to start an encoder from");
  if (keys.text("position_embedding_type", "absolute") != "absolute")
    keys.fail("position_embedding_type", "absolute");
  auto& o = network.layers = encoder_options();
  o.dim = keys.integer("hidden_size", 1);
  o.heads = keys.integer("num_attention_heads", 1);
  o.ffn_dim = keys.integer("intermediate_size", 1);
  o.activation = keys.activation("hidden_act");
  o.norm_eps = keys.share("layer_norm_eps", usual_norm_eps(network.model_type));
  const auto pad = keys.has("pad_token_id") ? keys.integer("pad_token_id", 0) : kRobertaPad;
  o.position_offset = position_offset_of(network.model_type, pad);
  o.max_positions =
      keys.integer("max_position_embeddings", o.position_offset + 1) - o.position_offset;
  network.layer_count = keys.integer("num_hidden_layers", 1);
  network.kinds = keys.integer("type_vocab_size", 1);
  network.vocab_size = keys.integer("vocab_size", 1);
  return network;
}

std::vector<std::string> keys_to_set(
    const EncoderNetwork& network, const TransformerOptions& o,
    const std::vector<std::pair<std::string_view, std::int64_t>>& layers) {
  const auto& n = network.layers;
  std::vector<std::string> keys;
  const auto add = [&](std::string_view key, const std::string& value) {
    keys.push_back("model." + std::string(key) + ": " + value);
  };
  const auto expect = [&](std::string_view key, const auto& ours, const auto& theirs) {
    if (ours != theirs) add(key, text_of(theirs));
  };
  expect("dim", o.dim, n.dim);
  if (n.heads != 0) expect("heads", o.heads, n.heads);
  expect("ffn_dim", o.ffn_dim, n.ffn_dim);
  expect("norm", o.norm, n.norm);
  expect("final_norm", o.final_norm, n.final_norm);
  expect("norm_eps", o.norm_eps, n.norm_eps);
  expect("positions", o.positions, n.positions);
  expect("position_offset", o.position_offset, n.position_offset);
  if (o.max_positions > n.max_positions || o.positions != n.positions)
    add("max_positions", text_of(n.max_positions));
  expect("scale_embedding", o.scale_embedding, n.scale_embedding);
  expect("embedding_norm", o.embedding_norm, n.embedding_norm);
  expect("activation", o.activation, n.activation);
  expect("projections", o.projections, n.projections);
  for (const auto& [key, count] : layers)
    if (count > network.layer_count) add(key, text_of(network.layer_count));
  return keys;
}

}  // namespace banter::models
