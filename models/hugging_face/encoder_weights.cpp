#include "models/hugging_face/encoder_weights.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <vector>

#include "base/errors.h"
#include "models/hugging_face/encoder_files.h"
#include "models/hugging_face/json_file.h"
#include "models/hugging_face/weights.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
using base::CheckpointError;
using Shapes = std::map<std::string, std::vector<std::int64_t>>;

constexpr std::string_view kRoberta = "roberta.";
constexpr std::array<std::string_view, 2> kPrefixes = {"bert.", kRoberta};
/// Heads for tasks, of pretraining and of others.
constexpr std::array<std::string_view, 5> kPassedOver = {"classifier.", "cls.", "lm_head.",
                                                         "pooler.", "qa_outputs."};
constexpr std::string_view kLayer = "encoder.layer.";
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOldNames = {{
    {"LayerNorm.beta", "LayerNorm.bias"},
    {"LayerNorm.gamma", "LayerNorm.weight"},
}};

/// A tensor's name without prefix, in today's words; "" for what is passed over.
std::string plain_name(std::string name) {
  for (const auto prefix : kPrefixes)
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  if (name.ends_with("position_ids") || name.ends_with("token_type_ids") ||
      std::ranges::any_of(kPassedOver, [&](auto part) { return name.starts_with(part); }))
    return "";
  for (const auto& [old, today] : kOldNames)
    if (name.ends_with(old)) name.replace(name.size() - old.size(), old.size(), today);
  return name;
}

NamedTensors with_plain_names(NamedTensors tensors, const std::string& where) {
  NamedTensors plain;
  for (auto& [name, tensor] : tensors) {
    const auto its = plain_name(name);
    if (!its.empty() && !plain.emplace(its, std::move(tensor)).second)
      throw CheckpointError(where + ": has " + its + " twice, by two names");
  }
  return plain;
}

constexpr std::int64_t kMostLayers = 1'000'000;  // more than any file has tensors

/// Layers up to the last that a tensor names.
std::int64_t count_layers(const NamedTensors& tensors) {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(kLayer)) continue;
    std::int64_t layer = -1;
    std::from_chars(name.data() + kLayer.size(), name.data() + name.size(), layer);
    count = std::max(count, std::min(layer, kMostLayers) + 1);
  }
  return count;
}

/// The network that a file's tensors tell of.
EncoderNetwork network_of_tensors(const NamedTensors& tensors, bool is_named_roberta,
                                  const std::string& where) {
  const auto size = [&](const std::string& name, std::int64_t dimension) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.dim() != 2 || found->second.size(dimension) == 0)
      throw CheckpointError(where + ": is no BERT or RoBERTa: has no table " + name);
    return found->second.size(dimension);
  };
  EncoderNetwork network;
  auto& o = network.layers = encoder_options();
  network.vocab_size = size("embeddings.word_embeddings.weight", 0);
  network.kinds = size("embeddings.token_type_embeddings.weight", 0);
  network.model_type = is_named_roberta || network.kinds == 1 ? "roberta" : "bert";
  network.layer_count = count_layers(tensors);
  o.dim = size("embeddings.word_embeddings.weight", 1);
  o.heads = 0;
  o.ffn_dim = size(std::string(kLayer).append("0.intermediate.dense.weight"), 0);
  o.norm_eps = usual_norm_eps(network.model_type);
  o.position_offset = position_offset_of(network.model_type, kRobertaPad);
  o.max_positions = size("embeddings.position_embeddings.weight", 0) - o.position_offset;
  return network;
}

Shapes shapes_of(const EncoderNetwork& network) {
  const auto D = network.layers.dim, F = network.layers.ffn_dim;
  Shapes shapes;
  const auto add_norm = [&](const std::string& name) {
    shapes[name + ".weight"] = shapes[name + ".bias"] = {D};
  };
  const auto add_dense = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    shapes[name + ".weight"] = {out, in};
    shapes[name + ".bias"] = {out};
  };
  shapes["embeddings.word_embeddings.weight"] = {network.vocab_size, D};
  shapes["embeddings.position_embeddings.weight"] = {network.position_rows(), D};
  shapes["embeddings.token_type_embeddings.weight"] = {network.kinds, D};
  add_norm("embeddings.LayerNorm");
  for (std::int64_t i = 0; i < network.layer_count; ++i) {
    const auto layer = std::string(kLayer) + std::to_string(i) + ".";
    for (const auto* part : {"query", "key", "value"})
      add_dense(layer + "attention.self." + part, D, D);
    add_dense(layer + "attention.output.dense", D, D);
    add_norm(layer + "attention.output.LayerNorm");
    add_dense(layer + "intermediate.dense", F, D);
    add_dense(layer + "output.dense", D, F);
    add_norm(layer + "output.LayerNorm");
  }
  return shapes;
}

/// "a", "a and 1 more"
std::string named(const std::vector<std::string>& names) {
  return names.front() +
         (names.size() == 1 ? "" : " and " + std::to_string(names.size() - 1) + " more");
}

void check_tensors(const NamedTensors& tensors, const Shapes& shapes, const std::string& where) {
  std::vector<std::string> missing, unknown;
  for (const auto& [name, shape] : shapes)
    if (!tensors.contains(name)) missing.push_back(name);
  for (const auto& [name, tensor] : tensors)
    if (!shapes.contains(name)) unknown.push_back(name);
  if (!missing.empty()) throw CheckpointError(where + ": lacks " + named(missing));
  if (!unknown.empty())
    throw CheckpointError(where + ": has " + named(unknown) +
                          ", which the encoder that it says to be does not have");
  for (const auto& [name, shape] : shapes) {
    const auto& tensor = tensors.at(name);
    if (tensor.sizes() != shape)
      throw CheckpointError(c10::str(where, ": ", name, " has the shape ", tensor.sizes(),
                                     ", where ", torch::IntArrayRef(shape), " fits the others"));
    if (!tensor.is_floating_point() || !tensor.isfinite().all().item<bool>())
      throw CheckpointError(where + ": " + name + " holds what is no finite number");
  }
}

NamedTensors read_tensors(const fs::path& place) {
  constexpr const char* kLoader = "AutoModel";
  if (fs::is_directory(place)) return read_weights(place, kLoader);
  constexpr std::array<std::string_view, 4> kPickled = {".bin", ".ckpt", ".pt", ".pth"};
  const auto extension = place.extension().string();
  if (std::ranges::find(kPickled, extension) != kPickled.end())
    refuse_pickled(place, place.parent_path(), kLoader);
  if (fs::exists(place) && extension != ".safetensors")
    throw CheckpointError(place.string() +
                          ": is neither a Hugging Face folder nor a .safetensors file");
  return read_weights_file(place);
}

}  // namespace

EncoderWeights read_encoder(const fs::path& place) {
  const auto where = place.string();
  auto tensors = read_tensors(place);
  const bool is_named_roberta = std::ranges::any_of(
      tensors, [](const auto& item) { return item.first.starts_with(kRoberta); });
  EncoderWeights encoder;
  encoder.tensors = with_plain_names(std::move(tensors), where);
  const auto config = folder_of_encoder(place) / "config.json";
  encoder.network = fs::exists(config)
                        ? encoder_network_of(read_json_file(config), config.string())
                        : network_of_tensors(encoder.tensors, is_named_roberta, where);
  if (encoder.network.layer_count > std::ssize(encoder.tensors))
    throw CheckpointError(where + ": has " + std::to_string(encoder.tensors.size()) +
                          " tensors for an encoder of " +
                          std::to_string(encoder.network.layer_count) + " layers");
  check_tensors(encoder.tensors, shapes_of(encoder.network), where);
  return encoder;
}

}  // namespace banter::models
