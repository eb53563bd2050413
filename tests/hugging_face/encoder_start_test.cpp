// Models that start from pretrained encoders: what they take, what they say, what they refuse.

#include "models/hugging_face/encoder_start.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/errors.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/encoder_weights.h"
#include "models/hugging_face/pretrained_words.h"
#include "tests/hugging_face/encoder_starts.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;

constexpr auto kNone = PretrainedWords::kNone;

// ---- what is taken ------------------------------------------------------------------------------

TEST_F(EncoderStartTest, DecodersStartFromTheSameLayersAndAttendToOthersAfresh) {
  const auto yaml = stack_for("bert");
  const auto model = build(yaml), fresh = build(yaml);
  const auto told = start(*model, kEncoders / "bert");
  const auto file = read_encoder(kEncoders / "bert").tensors;
  const auto now = named_tensors(*model), before = named_tensors(*fresh);
  const std::string layer = "encoder.layer.0.";
  const std::vector<std::pair<std::string, std::string>> same = {
      {"attention.query.weight", "attention.self.query.weight"},
      {"attention.output.bias", "attention.output.dense.bias"},
      {"attention_norm.weight", "attention.output.LayerNorm.weight"},
      {"feed_forward.in.weight", "intermediate.dense.weight"},
      {"feed_forward.out.bias", "output.dense.bias"},
      {"feed_forward_norm.bias", "output.LayerNorm.bias"}};
  for (const std::string side : {"encoder.0.", "decoder.0.", "consistency.0."})
    for (const auto& [ours, theirs] : same)
      EXPECT_TRUE(now.at(side + ours).equal(file.at(layer + theirs))) << side << ours;
  EXPECT_TRUE(now.at("consistency.0.persona_feed_forward.in.weight")
                  .equal(file.at(layer + "intermediate.dense.weight")));
  EXPECT_TRUE(now.at("decoder.1.attention.key.weight")
                  .equal(file.at("encoder.layer.1.attention.self.key.weight")));
  for (const std::string name :
       {"decoder.0.cross_attention.query.weight", "decoder.0.cross_attention_norm.weight",
        "consistency.0.persona_attention.value.weight", "consistency.0.draft_attention.key.weight",
        "output.bias"}) {
    EXPECT_TRUE(now.at(name).equal(before.at(name))) << name;
    EXPECT_NE(std::ranges::find(told.fresh, name), told.fresh.end()) << name;
  }
  EXPECT_EQ(told.copied.size() + told.fresh.size(), now.size());
}

TEST_F(EncoderStartTest, DecodersHaveTheKindOfQueriesInTheirPositions) {
  const auto model = build(stack_for("bert"));
  start(*model, kEncoders / "bert");
  const auto file = read_encoder(kEncoders / "bert").tensors;
  const auto now = named_tensors(*model);
  const auto& positions = file.at("embeddings.position_embeddings.weight");
  const auto& kinds = file.at("embeddings.token_type_embeddings.weight");
  EXPECT_TRUE(now.at("encoder.positions.table.weight").equal(positions));
  for (const std::string side : {"decoder", "consistency"})
    EXPECT_TRUE(now.at(side + ".positions.table.weight").equal(positions + kinds[0])) << side;
  EXPECT_TRUE(now.at("kind.weight").equal(kinds));
}

TEST_F(EncoderStartTest, TheOneKindOfARobertaIsBothKinds) {
  const auto model = build(stack_for("roberta"));
  start(*model, kEncoders / "roberta");
  const auto kind = named_tensors(*model).at("kind.weight");
  const auto one =
      read_encoder(kEncoders / "roberta").tensors.at("embeddings.token_type_embeddings.weight")[0];
  EXPECT_TRUE(kind[0].equal(one));
  EXPECT_TRUE(kind[1].equal(one));
}

TEST_F(EncoderStartTest, AModelOfFewerLayersAndPositionsTakesTheFirstAndSaysSo) {
  auto yaml = stack_for("roberta");
  yaml.replace(yaml.find("encoder_layers: 3"), 17, "encoder_layers: 1");
  yaml.replace(yaml.find("max_positions: 20"), 17, "max_positions: 7 ");
  const auto model = build(yaml);
  const auto told = start(*model, kEncoders / "roberta");
  EXPECT_EQ(told.notes,
            (std::vector<std::string>{"model.encoder_layers takes the first 1 of 3 layers",
                                      "model.decoder_layers takes the first 2 of 3 layers",
                                      "model.consistency_layers takes the first 1 of 3 layers"}));
  const auto table =
      read_encoder(kEncoders / "roberta").tensors.at("embeddings.position_embeddings.weight");
  EXPECT_TRUE(
      named_tensors(*model).at("encoder.positions.table.weight").equal(table.narrow(0, 0, 9)));
}

TEST_F(EncoderStartTest, WordsTakeTheirRowsInEveryTable) {
  const auto yaml = stack_for("bert", "share_embeddings: false\ntied: false\n");
  const auto model = build(yaml), fresh = build(yaml);
  const auto told = start(*model, kEncoders / "bert");
  const auto words =
      read_encoder(kEncoders / "bert").tensors.at("embeddings.word_embeddings.weight");
  const auto rows =
      rows_of_words(read_pretrained_words(kEncoders / "bert", words.size(0)).value(), tokenizer());
  EXPECT_EQ(told.pieces, rows.pieces);
  EXPECT_EQ(told.copied_pieces, rows.copied);
  EXPECT_EQ(told.vocabulary, (kEncoders / "bert/vocab.txt").string());
  EXPECT_TRUE(told.warnings.empty());
  for (const std::string table : {"embedding", "draft_embedding", "consistency_embedding"}) {
    const auto now = named_tensors(*model).at(table + ".token.weight");
    const auto before = named_tensors(*fresh).at(table + ".token.weight");
    for (std::int64_t id = 0; id < now.size(0); ++id) {
      const auto row = rows.row.at(static_cast<std::size_t>(id));
      EXPECT_TRUE(now[id].equal(row == kNone ? before[id] : words[row])) << table << " " << id;
    }
    EXPECT_EQ(now[tokenizer().special().pad].abs().sum().item<float>(), 0);
  }
  EXPECT_TRUE(
      named_tensors(*model).at("output.weight").equal(named_tensors(*fresh).at("output.weight")));
}

TEST_F(EncoderStartTest, FilesMayBeAsOlderOrOtherProgramsWriteThem) {
  const auto yaml = stack_for("roberta");
  const auto model = build(yaml);
  start(*model, kEncoders / "roberta");
  const auto expected = named_tensors(*model);
  const auto place = copy_of("roberta");
  change(place, [](NamedTensors& tensors) {
    NamedTensors other;
    for (auto& [name, tensor] : tensors) {
      auto its = name.starts_with("roberta.") ? name.substr(8) : name;
      const auto norm = its.find("LayerNorm.");
      if (norm != std::string::npos && its.find("embeddings") == std::string::npos)
        its.replace(norm, std::string::npos,
                    its.ends_with("weight") ? "LayerNorm.gamma" : "LayerNorm.beta");
      other.emplace(its, tensor);
    }
    other.emplace("embeddings.position_ids", torch::arange(22));
    tensors = other;
  });
  const auto with_config = build(yaml);
  EXPECT_EQ(start(*with_config, place).model_type, "roberta");
  fs::remove(place / "config.json");
  fs::rename(place / kWeights, place / "weights.safetensors");
  const auto without = build(yaml);
  const auto told = start(*without, place / "weights.safetensors");
  EXPECT_EQ(told.model_type, "roberta") << "one kind";
  EXPECT_NE(told.notes.front().find("model.heads"), std::string::npos);
  for (const auto& other : {with_config, without})
    for (const auto& [name, tensor] : named_tensors(*other))
      EXPECT_TRUE(tensor.equal(expected.at(name))) << name;
}

// ---- what is refused ----------------------------------------------------------------------------

TEST_F(EncoderStartTest, OneErrorListsAllKeysOfTheModelThatDoNotAgree) {
  const auto said = refusal<base::ConfigError>("type: nli\nencoder_layers: 4\ndim: 8\nheads: 2\n",
                                               kEncoders / "bert");
  EXPECT_NE(said.find("train.init_encoder: " + (kEncoders / "bert").string() + " is a bert"),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("set model.ffn_dim: 12, model.norm: post, model.final_norm: false, "
                      "model.norm_eps: 1e-12, model.positions: learned, model.max_positions: 20, "
                      "model.scale_embedding: false, model.embedding_norm: true, "
                      "model.activation: gelu, model.encoder_layers: 3"),
            std::string::npos)
      << said;
}

TEST_F(EncoderStartTest, TensorsThatDoNotFitAreNamed) {
  const std::string part = "bert.encoder.layer.1.attention.output.dense.weight";
  const std::vector<std::pair<std::string, std::function<void(NamedTensors&)>>> cases = {
      {"lacks encoder.layer.1.attention.output.dense.weight",
       [&](NamedTensors& tensors) { tensors.erase(part); }},
      {"has encoder.layer.1.adapter.weight, which",
       [&](NamedTensors& tensors) {
         tensors["bert.encoder.layer.1.adapter.weight"] = torch::ones({2});
       }},
      {"encoder.layer.1.attention.output.dense.weight has the shape [8, 7], where [8, 8]",
       [&](NamedTensors& tensors) {
         tensors[part] = torch::ones({8, 7});
       }},
      {"encoder.layer.1.attention.output.dense.weight holds what is no finite number",
       [&](NamedTensors& tensors) { tensors[part][0][0] = NAN; }},
      {"has encoder.layer.1.attention.output.dense.weight twice",
       [&](NamedTensors& tensors) { tensors[part.substr(5)] = tensors[part].clone(); }},
      {"has encoder.layer.3.output.dense.bias, which",
       [&](NamedTensors& tensors) {
         tensors["bert.encoder.layer.3.output.dense.bias"] = torch::ones({8});
       }},
      {"which the encoder that it says to be does not have", [&](NamedTensors& tensors) {
         tensors["bert.encoder.layer.9000000000000000000.output.dense.bias"] = torch::ones({8});
       }}};
  for (const auto& [expected, by] : cases) {
    const auto place = copy_of("bert");
    change(place, by);
    const auto said = refusal<base::CheckpointError>(stack_for("bert"), place);
    EXPECT_NE(said.find(expected), std::string::npos) << said;
    fs::remove_all(place);
  }
}

/// A damaged file must not make a list of so many names.
TEST_F(EncoderStartTest, MoreLayersThanTensorsAreRefused) {
  const auto place = copy_of("bert");
  fs::remove(place / "config.json");
  change(place, [](NamedTensors& tensors) {
    tensors["bert.encoder.layer.9000000000000000000.output.dense.bias"] = torch::ones({8});
  });
  const auto said = refusal<base::CheckpointError>(stack_for("bert"), place);
  EXPECT_NE(said.find("tensors for an encoder of"), std::string::npos) << said;
}

TEST_F(EncoderStartTest, HeadsForTasksArePassedOver) {
  const auto place = copy_of("bert");
  change(place, [](NamedTensors& tensors) {
    tensors["classifier.dense.weight"] = torch::ones({8, 8});
    tensors["qa_outputs.bias"] = torch::ones({2});
  });
  const auto with_heads = build(stack_for("bert")), without = build(stack_for("bert"));
  start(*with_heads, place);
  start(*without, kEncoders / "bert");
  const auto expected = named_tensors(*without);
  for (const auto& [name, tensor] : named_tensors(*with_heads))
    EXPECT_TRUE(tensor.equal(expected.at(name))) << name;
}

TEST_F(EncoderStartTest, PicklesAndWhatIsNoEncoderAreRefused) {
  const auto yaml = stack_for("bert");
  const auto place = copy_of("bert");
  fs::rename(place / kWeights, place / "pytorch_model.bin");
  for (const auto& given : {place, place / "pytorch_model.bin"}) {
    const auto said = refusal<base::CheckpointError>(yaml, given);
    EXPECT_NE(said.find("pickled weights are not read"), std::string::npos) << said;
    EXPECT_NE(said.find("AutoModel as M"), std::string::npos) << said;
  }
  EXPECT_NE(refusal<base::FileError>(yaml, folder_ / "none").find("none"), std::string::npos);
  write_safetensors(folder_ / "other.safetensors", {{"weight", torch::ones({2, 2})}});
  const auto said = refusal<base::CheckpointError>(yaml, folder_ / "other.safetensors");
  EXPECT_NE(said.find("is no BERT or RoBERTa"), std::string::npos) << said;
  const auto of_type = refusal<base::ConfigError>("type: seq2seq\n", kEncoders / "bert");
  EXPECT_NE(of_type.find("nli and stack_propagation"), std::string::npos) << of_type;
}

TEST_F(EncoderStartTest, AVocabularyOfAnotherLanguageIsToldOfAndOneWithoutAnyPieceRefused) {
  const auto yaml = stack_for("bert");
  const auto place = copy_of("bert");
  const auto told_with = [&](const std::string& vocabulary) {
    std::ofstream(place / "vocab.txt") << vocabulary;
    return start(*build(yaml), place);
  };
  const auto told = told_with("[UNK]\n##t\n\u4e2d\n");
  ASSERT_EQ(told.warnings.size(), 1u);
  EXPECT_NE(told.warnings.front().find("only 1 of the "), std::string::npos)
      << told.warnings.front();
  std::ofstream(place / "vocab.txt") << "[UNK]\n\u4e2d\n";
  const auto said = refusal<base::ConfigError>(yaml, place);
  EXPECT_NE(said.find("0 of the "), std::string::npos) << said;

  fs::remove(place / "vocab.txt");
  const auto model = build(yaml);
  const auto without = start(*model, place);
  ASSERT_EQ(without.warnings.size(), 1u);
  EXPECT_NE(without.warnings.front().find("all words start fresh"), std::string::npos);
  EXPECT_NE(std::ranges::find(without.fresh, "embedding.token.weight"), without.fresh.end());
}

}  // namespace
}  // namespace banter::models
