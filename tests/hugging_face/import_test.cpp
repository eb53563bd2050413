// Weights in other clothes, and folders that become no run.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/run.h"
#include "tests/hugging_face/imports.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

using ImportTest = HuggingFaceTest;

// ---- weights in other clothes -----------------------------------------------------------------

TEST_F(ImportTest, ReadsShardsByTheirIndex) {
  const auto from = copy_of("marian");
  const auto tensors = read_safetensors(from / kWeights);
  NamedTensors parts[2];
  json::object map;
  for (const auto& [name, tensor] : tensors) {
    const auto part = map.size() % 2;
    parts[part].emplace(name, tensor);
    map[name] = "part-" + std::to_string(part);
  }
  for (const auto part : {0, 1})
    write_safetensors(from / ("part-" + std::to_string(part)), parts[part]);
  fs::remove(from / kWeights);
  std::ofstream(from / "model.safetensors.index.json")
      << json::serialize(json::object{{"weight_map", map}});
  const auto whole = imported(kFixtures / "marian", "whole");
  const auto sharded = imported(from, "sharded");
  EXPECT_EQ(base::read_file(whole / "step-0" / kWeights),
            base::read_file(sharded / "step-0" / kWeights));

  fs::remove_all(sharded);
  parts[1].erase(parts[1].begin());
  write_safetensors(from / "part-1", parts[1]);
  EXPECT_NE(refusal(from).find("is not in part-1"), std::string::npos);
}

TEST_F(ImportTest, ReadsHalvesAsFloats) {
  const auto from = copy_of("mbart");
  for (const auto type : {torch::kBFloat16, torch::kFloat16}) {
    const auto tensors = read_safetensors(kFixtures / "mbart" / kWeights);
    change_weights(from, [&](NamedTensors& all) {
      for (auto& [name, tensor] : all) tensor = tensors.at(name).to(type);
    });
    const auto run = imported(from, c10::toString(type));
    const auto read = read_safetensors(run / "step-0" / kWeights);
    EXPECT_TRUE(read.at("embedding.token.weight")
                    .equal(tensors.at("model.shared.weight").to(type).to(torch::kFloat)));
  }
}

TEST_F(ImportTest, KnowsTheTableOfTokensByItsOtherNames) {
  const auto from = copy_of("marian");
  change_weights(from, [](NamedTensors& all) {
    const auto table = all.extract("model.shared.weight").mapped();
    all["lm_head.weight"] = table;
    all["model.encoder.embed_tokens.weight"] = table.clone();
    all.erase("final_logits_bias");  // zeros
  });
  const auto run = imported(from);
  const auto read = read_safetensors(run / "step-0" / kWeights);
  EXPECT_TRUE(
      read.at("embedding.token.weight")
          .equal(read_safetensors(kFixtures / "marian" / kWeights).at("model.shared.weight")));
  EXPECT_EQ(read.at("output.bias").abs().sum().item<double>(), 0);

  fs::remove_all(run);
  change_weights(from, [](NamedTensors& all) { all["lm_head.weight"] += 1; });
  EXPECT_NE(refusal(from).find("differs from model.shared.weight"), std::string::npos);
}

TEST_F(ImportTest, KeepsAnOutputLayerOfItsOwn) {
  const auto from = copy_of("mbart");
  change(from / "config.json", [](json::object& config) { config["tie_word_embeddings"] = false; });
  torch::Tensor output;
  change_weights(from, [&](NamedTensors& all) {
    all["lm_head.weight"] = output = all.at("model.shared.weight") + 1;
  });
  const auto run = imported(from);
  EXPECT_TRUE(read_safetensors(run / "step-0" / kWeights).at("output.weight").equal(output));
  export_folder(run.string(), folder_ / "back");
  EXPECT_TRUE(read_safetensors(folder_ / "back" / kWeights).at("lm_head.weight").equal(output));
}

// ---- refusals ---------------------------------------------------------------------------------

TEST_F(ImportTest, TellsEveryTensorThatDoesNotFitByItsNameThere) {
  const auto from = copy_of("marian");
  change_weights(from, [](NamedTensors& all) {
    all.erase("model.encoder.layers.1.self_attn.q_proj.weight");
    all["model.decoder.layers.0.fc1.weight"] = torch::zeros({3, 8});
    all["model.encoder.adapter.weight"] = torch::zeros({2});
    all["model.decoder.layers.0.fc2.bias"].fill_(NAN);
  });
  const auto message = refusal(from);
  for (const char* part :
       {"missing model.encoder.layers.1.self_attn.q_proj.weight",
        "model.decoder.layers.0.fc1.weight: file has [3, 8] Float, model has [12, 8] Float",
        "unexpected model.encoder.adapter.weight", "model.decoder.layers.0.fc2.bias: NaN or Inf"})
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
}

TEST_F(ImportTest, RefusesPositionsThatAreNoSines) {
  const auto from = copy_of("marian");
  change_weights(from, [](NamedTensors& all) {
    all["model.encoder.embed_positions.weight"] = torch::zeros({24, 8});
  });
  EXPECT_NE(refusal(from).find("is not made of sines and cosines"), std::string::npos);
}

TEST_F(ImportTest, MakesNoRunThatNoCommandCouldOpen) {
  const auto from = copy_of("marian");
  change(from / "generation_config.json", [](json::object& g) { g["length_penalty"] = -1.0; });
  const auto message = refusal(from);
  EXPECT_NE(message.find("generation_config.json: \"length_penalty\" is -1"), std::string::npos)
      << message;
}

TEST_F(ImportTest, DoesNotReadPickles) {
  const auto from = copy_of("marian");
  fs::rename(from / kWeights, from / "pytorch_model.bin");
  const auto message = refusal(from);
  EXPECT_NE(message.find("pickled"), std::string::npos) << message;
  EXPECT_NE(message.find("save_pretrained"), std::string::npos) << message;
}

TEST_F(ImportTest, NamesTheFileThatIsMissing) {
  for (const char* name : {"config.json", "source.spm", "target.spm", "vocab.json", kWeights}) {
    fs::remove_all(folder_ / "marian");
    const auto from = copy_of("marian");
    fs::remove(from / name);
    EXPECT_NE(refusal(from).find(name), std::string::npos) << name;
  }
}

TEST_F(ImportTest, NeverWritesOverWhatIsThere) {
  const auto run = imported(kFixtures / "marian");
  EXPECT_THROW(import_folder(kFixtures / "marian", run, {}), base::UsageError);
  EXPECT_THROW(export_folder(run.string(), run), base::UsageError);
}

}  // namespace
}  // namespace banter::models
