// Models that start from pretrained encoders; encoders.json is what `transformers` computes with
// the folders beside it, made by tests/models/reference/hugging_face_encoder.py.

#include "models/hugging_face/encoder_start.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/tokenizer/own_symbols.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/encoder_weights.h"
#include "models/hugging_face/pretrained_words.h"
#include "models/layers/transformer/transformer_stack.h"
#include "models/layers/turn_embedding.h"
#include "models/pair_classifiers.h"
#include "models/registry.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using tests::TemporaryFolder;

constexpr double kTolerance = 1e-4;
const fs::path kEncoders = BANTER_SOURCE_DIR "/tests/fixtures/hugging_face/encoders";
const fs::path kScript = BANTER_SOURCE_DIR "/tests/models/reference/hugging_face_encoder.py";
constexpr const char* kWeights = "model.safetensors";
constexpr const char* kWhere = "train.init_encoder";
constexpr auto kNone = PretrainedWords::kNone;

/// Has all letters of the fixtures as pieces, and some of their words.
const data::Tokenizer& tokenizer() {
  static const data::Tokenizer made = [] {
    const std::vector<std::string> texts = {"the kettle is broken again", "no , look at friday !",
                                            "is it the router ? no", "please , is it broken"};
    std::size_t next = 0;
    return data::Tokenizer(
        data::Tokenizer::train({.vocab_size = 320}, [&]() -> std::optional<std::string> {
          return next == 80 ? std::nullopt : std::optional(texts[next++ % texts.size()]);
        }));
  }();
  return made;
}

/// The options that an encoder of the fixtures asks for.
std::string options_for(const std::string& name) {
  return "dim: 8\nheads: 2\nffn_dim: 12\nnorm: post\npositions: learned\nmax_positions: 20\n"
         "scale_embedding: false\nembedding_norm: true\nactivation: gelu\n" +
         std::string(name == "bert" ? "norm_eps: 1e-12\n" : "position_offset: 2\n");
}

std::string stack_for(const std::string& name, const std::string& more = "") {
  return "type: stack_propagation\nencoder_layers: 3\ndecoder_layers: 2\nconsistency_layers: 1\n" +
         options_for(name) + more;
}

std::shared_ptr<torch::nn::Module> build(const std::string& yaml,
                                         const data::Tokenizer& of = tokenizer()) {
  const auto config = configs::Config::parse(yaml, "model.yaml");
  const Vocabulary vocabulary{of.vocab_size(), of.special()};
  if (yaml.starts_with("type: nli")) return build_pair_classifier(config.root(), vocabulary, 3);
  return build_model(config.root(), vocabulary, 3);
}

EncoderStart start(torch::nn::Module& model, const fs::path& place) {
  return start_from_encoder(model, tokenizer(), place, kWhere);
}

json::object read_object(const fs::path& path) {
  return base::parse_json(base::read_file(path), path.string()).as_object();
}

class EncoderStartTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { torch::set_num_threads(1); }

  fs::path copy_of(const std::string& name) {
    fs::copy(kEncoders / name, folder_ / name);
    return folder_ / name;
  }
  static void change(const fs::path& folder, const std::function<void(NamedTensors&)>& by) {
    auto tensors = read_safetensors(folder / kWeights);
    by(tensors);
    write_safetensors(folder / kWeights, tensors);
  }
  /// The message of a refused start, which leaves the model as it was.
  template <typename Error = base::Error>
  static std::string refusal(const std::string& yaml, const fs::path& place) {
    const auto model = build(yaml), untouched = build(yaml);
    std::string message;
    try {
      start(*model, place);
    } catch (const Error& error) {
      message = error.what();
    }
    EXPECT_FALSE(message.empty());
    const auto before = named_tensors(*untouched);
    for (const auto& [name, tensor] : named_tensors(*model))
      EXPECT_TRUE(tensor.equal(before.at(name))) << name;
    return message;
  }

  TemporaryFolder folder_;
};

// ---- numbers ------------------------------------------------------------------------------------

/// Our ids for rows of a fixture's table, by the model's own rule.
class OurIds {
 public:
  OurIds(const fs::path& folder, std::int64_t rows)
      : taken_(rows_of_words(read_pretrained_words(folder, rows).value(), tokenizer())) {}

  [[nodiscard]] std::vector<std::int64_t> of(const std::vector<std::int64_t>& rows) const {
    std::vector<std::int64_t> ids;
    for (const auto row : rows) {
      const auto found = std::ranges::find(taken_.row, row);
      if (found == taken_.row.end()) ADD_FAILURE() << "no piece has row " << row;
      ids.push_back(found - taken_.row.begin());
    }
    return ids;
  }

 private:
  WordRows taken_;
};

/// What a model's encoder makes of a row of ids, the first of which are of kind 1.
torch::Tensor states_of(const torch::nn::Module& model, const std::vector<std::int64_t>& ids,
                        std::int64_t persona) {
  const auto children = model.named_children();
  auto* embedding = children["embedding"]->as<TurnEmbeddingImpl>();
  auto* kind = children["kind"]->as<torch::nn::EmbeddingImpl>();
  auto* encoder = children["encoder"]->as<TransformerStackImpl>();
  const auto T = static_cast<std::int64_t>(ids.size());
  const auto kinds = torch::arange(T).lt(persona).to(torch::kLong);
  const auto keep = torch::ones({1, T}, torch::kBool);
  return encoder->forward(embedding->forward(torch::tensor(ids)) + kind->forward(kinds),
                          PaddedRows::of(keep, torch::arange(1)));
}

torch::Tensor matrix(const json::value& rows) {
  std::vector<torch::Tensor> tensors;
  for (const auto& row : rows.as_array())
    tensors.push_back(torch::tensor(json::value_to<std::vector<double>>(row)).to(torch::kFloat));
  return torch::stack(tensors);
}

void expect_states_of_library(const fs::path& encoders, const std::string& name) {
  const torch::NoGradGuard no_grad;
  const auto record = read_object(encoders / "encoders.json").at(name).as_object();
  const OurIds ours(encoders / name, std::ssize(record.at("pieces").as_array()));
  for (const auto& yaml : {stack_for(name), "type: nli\nencoder_layers: 3\n" + options_for(name)}) {
    const auto model = build(yaml);
    start(*model, encoders / name);
    model->eval();
    for (const auto& each : record.at("cases").as_array()) {
      const auto& given = each.as_object();
      const auto ids = ours.of(json::value_to<std::vector<std::int64_t>>(given.at("ids")));
      const auto expected = matrix(given.at("states"));
      const auto states = states_of(*model, ids, given.at("persona").as_int64());
      ASSERT_EQ(states.sizes(), expected.sizes());
      EXPECT_LT((states - expected).abs().max().item<double>(), kTolerance) << name;
      EXPECT_GT(expected.std().item<double>(), 0.1) << "says something";
    }
  }
}

std::int64_t rows_of_table(const fs::path& folder) {
  return read_encoder(folder).network.vocab_size;
}

class EachEncoderTest : public EncoderStartTest, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(, EachEncoderTest,
                         testing::Values("bert", "roberta", "xlm-roberta", "camembert"),
                         [](const auto& each) {
                           return each.param == "xlm-roberta" ? "xlm_roberta" : each.param;
                         });

TEST_P(EachEncoderTest, StatesAreThoseOfTheLibrary) {
  expect_states_of_library(kEncoders, GetParam());
}

TEST_F(EncoderStartTest, StatesAndWordsAreThoseOfTheLibraryWithOtherWeightsToo) {
  const char* python = std::getenv("BANTER_REFERENCE_PYTHON");
  if (python == nullptr || *python == '\0' ||
      tests::run({python, "-c", "import torch, transformers, tokenizers, sentencepiece"})
              .exit_code != 0)
    GTEST_SKIP() << "BANTER_REFERENCE_PYTHON names no Python with torch, transformers, tokenizers "
                    "and sentencepiece";
  const auto made = tests::run(
      {python, kScript.string(), "make", folder_.path().string(), "--seed", "8", "--tokenizers"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  for (const std::string name : {"bert", "roberta", "xlm-roberta", "camembert"}) {
    expect_states_of_library(folder_.path(), name);
    const auto folder = folder_ / name;
    EXPECT_EQ(read_pretrained_words(folder / "saved", 1000).value().rows,
              read_pretrained_words(folder, rows_of_table(folder)).value().rows)
        << "tokenizer.json of " << name;
  }
}

TEST_F(EncoderStartTest, WithTheFilesOwnSentencePieceModelATextHasTheStatesOfTheLibrary) {
  const torch::NoGradGuard no_grad;
  for (const std::string name : {"xlm-roberta", "camembert"}) {
    const auto record = read_object(kEncoders / "encoders.json").at(name).as_object();
    const data::Tokenizer own(
        data::with_own_symbols(base::read_file(kEncoders / name / "sentencepiece.bpe.model")));
    const auto model = build(stack_for(name), own);
    const auto told = start_from_encoder(*model, own, kEncoders / name, kWhere);
    EXPECT_EQ(told.copied_pieces, told.pieces) << name;
    model->eval();
    const auto states = states_of(*model, own.encode(record.at("text").as_string()), /*persona=*/0);
    const auto expected = matrix(record.at("text_states"));
    ASSERT_EQ(states.sizes(), expected.sizes());
    EXPECT_LT((states - expected).abs().max().item<double>(), kTolerance) << name;
  }
}

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
