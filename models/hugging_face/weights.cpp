#include "models/hugging_face/weights.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/utf8.h"
#include "models/hugging_face/json_file.h"
#include "models/layers/transformer/sinusoidal_positions.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
using base::CheckpointError;

constexpr const char* kWhole = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::array kPickled = {"pytorch_model.bin", "pytorch_model.bin.index.json"};

constexpr const char* kTable = "model.shared.weight";
constexpr const char* kOutput = "lm_head.weight";
constexpr const char* kBias = "final_logits_bias";
constexpr std::array kTableCopies = {"model.decoder.embed_tokens.weight",
                                     "model.encoder.embed_tokens.weight"};
constexpr std::array kPositions = {"model.decoder.embed_positions.weight",
                                   "model.encoder.embed_positions.weight"};
/// Of sines and cosines, which files may hold as bfloat16.
constexpr double kRounding = 1.0 / 128;

/// Parts of our names and what stands for them there.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kParts = {{
    {"attention_norm", "self_attn_layer_norm"},
    {"attention.query", "self_attn.q_proj"},
    {"attention.key", "self_attn.k_proj"},
    {"attention.value", "self_attn.v_proj"},
    {"attention.output", "self_attn.out_proj"},
    {"cross_attention_norm", "encoder_attn_layer_norm"},
    {"cross_attention.query", "encoder_attn.q_proj"},
    {"cross_attention.key", "encoder_attn.k_proj"},
    {"cross_attention.value", "encoder_attn.v_proj"},
    {"cross_attention.output", "encoder_attn.out_proj"},
    {"feed_forward.in", "fc1"},
    {"feed_forward.out", "fc2"},
    {"feed_forward_norm", "final_layer_norm"},
    {"embedding_norm", "layernorm_embedding"},
    {"norm", "layer_norm"},
}};

/// "encoder.0.attention.query.weight" -> "model.encoder.layers.0.self_attn.q_proj.weight"
std::string name_there(const std::string& name) {
  if (name == "embedding.token.weight") return kTable;
  if (name == "output.weight") return kOutput;
  if (name == "output.bias") return kBias;
  const auto side = name.substr(0, name.find('.'));
  auto rest = name.substr(side.size() + 1);
  if (rest == "positions.table.weight") return "model." + side + ".embed_positions.weight";
  std::string there = "model." + side + ".";
  if (const auto digits = rest.find_first_not_of("0123456789"); digits > 0) {
    there += "layers." + rest.substr(0, digits + 1);
    rest.erase(0, digits + 1);
  }
  const auto kind = rest.rfind('.');  // weight or bias
  const auto part = std::string_view(rest).substr(0, kind);
  const auto* found = std::ranges::find(kParts, part, &decltype(kParts)::value_type::first);
  if (found == kParts.end())
    throw CheckpointError("the tensor " + name + " has no place in a Hugging Face folder");
  return there + std::string(found->second) + rest.substr(kind);
}

/// The tensors of the files that an index lists, each from the file that it says.
NamedTensors read_shards(const fs::path& folder) {
  const auto path = folder / kIndex;
  const auto index = read_json_file(path);
  std::set<std::string> files;
  const auto& map = base::as_object(base::field(index, "weight_map", path.string()), path.string());
  for (const auto& listed : map) files.emplace(base::as_string(listed.value(), path.string()));
  NamedTensors tensors;
  for (const auto& file : files) {
    if (fs::path(file).filename() != fs::path(file))
      throw CheckpointError(path.string() + ": names no file of the folder by \"" +
                            base::printable(file) + "\"");
    for (auto& [name, tensor] : read_safetensors(folder / file)) {
      const auto* listed = map.if_contains(name);
      if (listed == nullptr || *listed != base::json::value(file))
        throw CheckpointError(path.string() + ": does not say that " + name + " is in " + file);
      tensors.emplace(name, std::move(tensor));
    }
  }
  for (const auto& [tensor, file] : map)
    if (!tensors.contains(std::string(tensor)))
      throw CheckpointError(path.string() + ": " + std::string(tensor) + " is not in " +
                            std::string(file.as_string()));
  return tensors;
}

[[noreturn]] void refuse_without_weights(const fs::path& folder, std::string_view loader) {
  for (const auto* name : kPickled)
    if (fs::exists(folder / name)) refuse_pickled(folder / name, folder, loader);
  throw base::FileError((folder / kWhole).string() + ": is missing");
}

void to_float32(NamedTensors& tensors) {
  for (auto& [name, tensor] : tensors)
    if (tensor.is_floating_point()) tensor = tensor.to(torch::kFloat32);
}

bool says_the_same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() && a.equal(b);
}

/// Throws   CheckpointError unless a table holds the sines and cosines that the model computes
void check_sinusoids(const torch::Tensor& table, const std::string& what) {
  if (table.dim() != 2 || table.size(1) % 2 != 0 || table.size(1) == 0)
    throw CheckpointError(what + ": is no table of positions");
  SinusoidalPositions positions({.dim = table.size(1)});
  const Places rows = {torch::arange(table.size(0)), table.size(0)};
  const auto expected = positions.added_to(torch::zeros_like(table), rows);
  if (!torch::allclose(table, expected, 0, kRounding))
    throw CheckpointError(what + ": is not made of sines and cosines in halves");
}

}  // namespace

void refuse_pickled(const fs::path& file, const fs::path& folder, std::string_view loader) {
  throw CheckpointError(
      file.string() +
      ": pickled weights are not read, since reading can run what is in them; convert the "
      "folder where you trust it: python -c \"from transformers import " +
      std::string(loader) + " as M; M.from_pretrained('" + folder.string() +
      "').save_pretrained('" + folder.string() + "')\"");
}

NamedTensors read_weights(const fs::path& folder, std::string_view loader) {
  NamedTensors tensors;
  if (fs::exists(folder / kWhole)) {
    tensors = read_safetensors(folder / kWhole);
  } else if (fs::exists(folder / kIndex)) {
    tensors = read_shards(folder);
  } else {
    refuse_without_weights(folder, loader);
  }
  to_float32(tensors);
  return tensors;
}

NamedTensors read_weights_file(const fs::path& file) {
  auto tensors = read_safetensors(file);
  to_float32(tensors);
  return tensors;
}

NamedTensors as_named_there(const torch::nn::Module& model) {
  NamedTensors there;
  for (const auto& [name, tensor] : named_tensors(model)) {
    const auto its = name_there(name);
    there.emplace(its, its == kBias ? tensor.detach().unsqueeze(0) : tensor.detach());
  }
  return there;
}

void drop_copies(NamedTensors& tensors, const Network& network, std::string_view where) {
  std::vector<std::string> copies(kTableCopies.begin(), kTableCopies.end());
  if (network.tied) copies.emplace_back(kOutput);
  for (const auto& name : copies) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) continue;
    const auto [table, is_new] = tensors.emplace(kTable, found->second);
    if (!is_new && !says_the_same(table->second, found->second))
      throw CheckpointError(std::string(where) + ": " + name + " differs from " + kTable +
                            ", with which config.json shares it");
    tensors.erase(found);
  }
  for (const auto* name : kPositions) {
    const auto found = tensors.find(name);
    if (network.family.positions != "sinusoidal" || found == tensors.end()) continue;
    check_sinusoids(found->second, std::string(where) + ": " + name);
    tensors.erase(found);
  }
  std::erase_if(tensors, [](const auto& item) {
    return item.first.ends_with(".position_ids") || item.first.ends_with("coder.version");
  });
  if (const auto table = tensors.find(kTable); table != tensors.end() && table->second.dim() == 2)
    tensors.emplace(kBias, torch::zeros({1, table->second.size(0)}));
}

}  // namespace banter::models
