// Folders of the `transformers` library as runs, and runs as folders; expected.json is what that
// library computes, made by tests/models/reference/hugging_face.py.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/batches/batch.h"
#include "models/checkpoint/load_model.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/run.h"
#include "models/hugging_face/weights.h"
#include "tests/decoding/tiny_run.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using tests::TemporaryFolder;

constexpr double kTolerance = 1e-4;
const fs::path kFixtures = BANTER_SOURCE_DIR "/tests/fixtures/hugging_face";
const fs::path kScript = BANTER_SOURCE_DIR "/tests/models/reference/hugging_face.py";
const fs::path kExpected = kFixtures / "expected.json";
constexpr const char* kWeights = "model.safetensors";

json::object read_object(const fs::path& path) {
  return base::parse_json(base::read_file(path), path.string()).as_object();
}

std::vector<std::int64_t> integers(const json::value& list) {
  return json::value_to<std::vector<std::int64_t>>(list);
}

/// A folder of its own, a copy of a fixture.
class HuggingFaceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { torch::set_num_threads(1); }

  fs::path copy_of(const std::string& name) {
    fs::copy(kFixtures / name, folder_ / name);
    return folder_ / name;
  }
  fs::path imported(const fs::path& from, const std::string& run = "run") {
    import_folder(from, folder_ / run, {.max_context_turns = 2});
    return folder_ / run;
  }
  /// The message of a refused import, after which nothing is left beside the folder.
  std::string refusal(const fs::path& from, const ImportOptions& options = {}) {
    std::string message;
    try {
      import_folder(from, folder_ / "run", options);
    } catch (const base::Error& error) {
      message = error.what();
    }
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      EXPECT_EQ(entry.path().filename().string().find("run"), std::string::npos) << entry.path();
    return message;
  }
  static void change(const fs::path& file, const std::function<void(json::object&)>& by) {
    auto object = read_object(file);
    by(object);
    std::ofstream(file) << json::serialize(object);
  }
  static void change_weights(const fs::path& from, const std::function<void(NamedTensors&)>& by) {
    auto tensors = read_safetensors(from / kWeights);
    by(tensors);
    write_safetensors(from / kWeights, tensors);
  }

  TemporaryFolder folder_;
};

// ---- numbers ----------------------------------------------------------------------------------

class EachNetworkTest : public HuggingFaceTest, public testing::WithParamInterface<std::string> {
 protected:
  /// The cases of expected.json.
  static json::array cases() {
    return read_object(kExpected).at(GetParam()).at("cases").as_array();
  }
};
INSTANTIATE_TEST_SUITE_P(, EachNetworkTest, testing::Values("marian", "mbart", "mbart50"),
                         [](const auto& each) { return each.param; });

data::Batch batch_of(const LoadedModel& loaded, const json::array& turns,
                     std::vector<data::TokenId> reply) {
  data::Context context{.turns = {}, .facts = {}, .reply_speaker = 0, .reply = std::move(reply)};
  for (const auto& turn : turns)
    context.turns.push_back({.ids = loaded.tokenizer.encode(turn.as_string()), .speaker = 0});
  return data::make_batch({context}, loaded.batch, loaded.tokenizer.special());
}

/// Logits of every step. Shapes   returns (S,V)
torch::Tensor stepped(DialogueModel& model, const data::Batch& batch,
                      const std::vector<std::int64_t>& decoder_input) {
  const auto memory =
      model.compose(model.encode_turns(batch), batch.context, batch.facts, batch.reply_speaker);
  auto state = model.start(0, memory, torch::zeros({1}, torch::kLong));
  std::vector<torch::Tensor> logits;
  for (const auto id : decoder_input) {
    auto step = model.step(torch::tensor({id}), memory, state);
    logits.push_back(step.logits);
    state = step.state;
  }
  return torch::cat(logits);
}

torch::Tensor expected_logits(const json::object& given) {
  std::vector<torch::Tensor> rows;
  for (const auto& row : given.at("logits").as_array())
    rows.push_back(torch::tensor(json::value_to<std::vector<double>>(row)).to(torch::kFloat));
  return torch::stack(rows);
}

TEST_P(EachNetworkTest, ReadsTheSameIdsAndGivesTheSameLogits) {
  const torch::NoGradGuard no_grad;
  const auto loaded = load_model(imported(kFixtures / GetParam()).string());
  for (const auto& each : cases()) {
    const auto& given = each.as_object();
    SCOPED_TRACE(json::serialize(given.at("turns")));
    const auto batch = batch_of(loaded, given.at("turns").as_array(), {});
    const auto joined = batch.joined(loaded.tokenizer.special());
    EXPECT_TRUE(joined.ids.equal(torch::tensor(integers(given.at("input_ids"))).unsqueeze(0)))
        << joined.ids;
    const auto logits = stepped(*loaded.model, batch, integers(given.at("decoder_input_ids")));
    const auto expected = expected_logits(given);
    ASSERT_EQ(logits.sizes(), expected.sizes());
    EXPECT_LT((logits - expected).abs().max().item<double>(), kTolerance);
  }
}

TEST_P(EachNetworkTest, ScoresAReplyAsItsLogitsSay) {
  const torch::NoGradGuard no_grad;
  const auto loaded = load_model(imported(kFixtures / GetParam()).string());
  for (const auto& each : cases()) {
    const auto& given = each.as_object();
    const auto inputs = integers(given.at("decoder_input_ids"));
    const std::vector<data::TokenId> reply(inputs.begin() + 1, inputs.end());
    const auto batch = batch_of(loaded, given.at("turns").as_array(), reply);
    EXPECT_TRUE(batch.decoder_input.equal(torch::tensor(inputs).unsqueeze(0)));
    const auto expected =
        expected_logits(given).log_softmax(1).gather(1, batch.labels.view({-1, 1})).view({1, -1});
    const auto score = loaded.model->score(batch).log_probs;
    EXPECT_LT((score - expected).abs().max().item<double>(), kTolerance);
  }
}

TEST_P(EachNetworkTest, RepliesBeginAsTheLibraryBeginsThem) {
  const auto loaded = load_model(imported(kFixtures / GetParam()).string());
  const std::string reply(read_object(kExpected).at(GetParam()).at("reply").as_string());
  auto ids = loaded.tokenizer.begin_reply(reply);
  ids.insert(ids.begin(), loaded.tokenizer.special().bos);
  const auto expected = integers(cases().front().at("decoder_input_ids"));
  ASSERT_GE(ids.size(), expected.size());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), ids.begin()));
}

// ---- the way back -----------------------------------------------------------------------------

TEST_P(EachNetworkTest, ComesBackToTheSameWeightsAndTheSameRun) {
  const auto run = imported(kFixtures / GetParam());
  const auto back = folder_ / "back";
  EXPECT_EQ(export_folder(run.string(), back), GetParam().substr(0, GetParam().find('5')));
  auto original = read_safetensors(kFixtures / GetParam() / kWeights);
  const auto written = read_safetensors(back / kWeights);
  std::erase_if(original, [&](const auto& item) {  // sines and cosines
    return GetParam() == "marian" && item.first.ends_with("embed_positions.weight");
  });
  for (const auto& [name, tensor] : original) {
    ASSERT_TRUE(written.contains(name)) << name;
    EXPECT_TRUE(written.at(name).equal(tensor)) << name;
  }
  EXPECT_EQ(written.size(), original.size());
  const auto again = imported(back, "again");
  for (const auto& entry : fs::directory_iterator(run / "step-0"))
    EXPECT_EQ(base::read_file(entry), base::read_file(again / "step-0" / entry.path().filename()))
        << entry.path();
  EXPECT_EQ(base::read_file(run / "config.yaml"), base::read_file(again / "config.yaml"));
}

/// A Python that has the library; "" when none is named.
std::string reference_python() {
  const char* python = std::getenv("BANTER_REFERENCE_PYTHON");
  if (python == nullptr || *python == '\0') return "";
  const auto has = tests::run({python, "-c", "import torch, transformers, sentencepiece"});
  return has.exit_code == 0 ? python : "";
}

constexpr const char* kNoPython =
    "BANTER_REFERENCE_PYTHON names no Python with torch, transformers, sentencepiece and protobuf";

TEST_P(EachNetworkTest, IsLoadedByTheLibraryWithTheSameLogitsAndReplies) {
  const auto python = reference_python();
  if (python.empty()) GTEST_SKIP() << kNoPython;
  const auto run = imported(kFixtures / GetParam());
  export_folder(run.string(), folder_ / "back");
  const auto checked = tests::run({python, kScript.string(), "check", (folder_ / "back").string(),
                                   GetParam(), kExpected.string()});
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

/// A run of `banter train` that is a Marian.
constexpr const char* kTrained =
    "{type: transformer, dim: 8, heads: 2, ffn_dim: 12, encoder_layers: 2, decoder_layers: 1, "
    "norm: post, activation: swish}";

TEST_F(HuggingFaceTest, ATrainedRunIsExportedAsAMarian) {
  const torch::NoGradGuard no_grad;
  const TinyRun trained(kTrained);
  EXPECT_EQ(export_folder(trained.path().string(), folder_ / "back"), "marian");
  const auto own = load_model(trained.path().string());
  const auto back = load_model(imported(folder_ / "back").string());
  EXPECT_EQ(back.tokenizer.special().turn_end, own.tokenizer.special().turn_end);
  const json::array turns = {"hello, how are you?", "where is <s> the \u00fc file"};
  const std::vector<std::int64_t> inputs = {own.tokenizer.special().bos, 272, 273, 274};
  const auto a = batch_of(own, turns, {}), b = batch_of(back, turns, {});
  EXPECT_TRUE(a.joined().ids.equal(b.joined(back.tokenizer.special()).ids));
  EXPECT_TRUE(stepped(*own.model, a, inputs).equal(stepped(*back.model, b, inputs)));
}

TEST_F(HuggingFaceTest, TheLibraryReadsATrainedRunAsItIs) {
  const torch::NoGradGuard no_grad;
  const auto python = reference_python();
  if (python.empty()) GTEST_SKIP() << kNoPython;
  const TinyRun trained(kTrained);
  export_folder(trained.path().string(), folder_ / "back");
  const auto ran = tests::run({python, kScript.string(), "compute", (folder_ / "back").string()});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  // Its weights are wide: rounding to float32 alone makes differences of 3e-4.
  const auto loaded = load_model(trained.path().string(), torch::kCPU, torch::kFloat64);
  const auto computed = json::parse(ran.out);
  for (const auto& each : computed.at("cases").as_array()) {
    const auto& given = each.as_object();
    const auto batch = batch_of(loaded, given.at("turns").as_array(), {});
    EXPECT_TRUE(
        batch.joined().ids.equal(torch::tensor(integers(given.at("input_ids"))).unsqueeze(0)))
        << given.at("turns") << batch.joined().ids;
    const auto logits = stepped(*loaded.model, batch, integers(given.at("decoder_input_ids")));
    EXPECT_LT((logits - expected_logits(given)).abs().max().item<double>(), kTolerance);
  }
}

TEST_F(HuggingFaceTest, AnExportedRunHasPositionsForAllThatItMayReadAndSay) {
  const auto positions = [&](const char* decoding, const char* batch) {
    const TinyRun trained(kTrained, decoding, batch);
    export_folder(trained.path().string(), folder_ / "back");
    const auto generation = read_object(folder_ / "back" / "generation_config.json");
    const auto most = read_object(folder_ / "back" / "config.json").at("max_position_embeddings");
    fs::remove_all(folder_ / "back");
    // The last token of a reply, its end, is read by nobody.
    EXPECT_LE(generation.at("max_length").to_number<std::int64_t>(),
              most.to_number<std::int64_t>() + 1);
    return most.to_number<std::int64_t>();
  };
  const char* kShort = "{max_context_tokens: 50, max_turn_tokens: 20, max_reply_tokens: 30}";
  EXPECT_EQ(positions("{max_new_tokens: 60}", kShort), 61);
  EXPECT_EQ(positions("{max_new_tokens: 20}", kShort), 50);
  EXPECT_EQ(positions("{}", "{max_context_tokens: 1, max_turn_tokens: 70}"), 101) << "a reply's";
  EXPECT_EQ(positions("{}", "{max_context_tokens: 1, max_turn_tokens: 200}"), 201) << "one turn's";
  EXPECT_EQ(positions("{}",
                      "{max_context_tokens: 1000000000, max_turn_tokens: 1000000000, "
                      "max_reply_tokens: 1000000000}"),
            65536)
      << "no limit makes no table";
}

TEST_F(HuggingFaceTest, ACheckpointThatStandsAloneIsExportedToo) {
  const TinyRun trained(kTrained);
  fs::remove(trained.path() / "config.yaml");
  export_folder(trained.path().string(), folder_ / "back");
  EXPECT_EQ(read_object(folder_ / "back" / "generation_config.json").at("max_length"), 62);
}

TEST_F(HuggingFaceTest, NamesWhatNoNetworkThereHas) {
  const struct {
    const char* model;
    const char* part;
  } wrong[] = {
      {"{type: seq2seq, embed_dim: 8, hidden_dim: 8}", "is a seq2seq"},
      {"{type: transformer, dim: 8, heads: 2}",
       "step-1: model.norm is pre, but a Hugging Face marian (positions sinusoidal) has post"},
      {"{type: transformer, dim: 8, heads: 2, norm: post, final_norm: true}",
       "model.final_norm is true, but a Hugging Face marian (positions sinusoidal) has false"},
      {"{type: transformer, dim: 9, heads: 3, norm: post}",
       "model.dim is 9, but a Hugging Face marian (positions sinusoidal) has an even one"},
      {"{type: transformer, dim: 8, heads: 2, positions: rope}",
       "model.positions is rope, which no Hugging Face network here has (marian: sinusoidal, "
       "mbart: learned)"},
      {"{type: transformer, dim: 8, heads: 2, norm: post, speakers: true}",
       "model.speakers is true"},
      {"{type: transformer, dim: 8, heads: 2, positions: learned}",
       "model.embedding_norm is false, but a Hugging Face mbart (positions learned) has true"},
      {"{type: transformer, dim: 8, heads: 2, positions: learned, embedding_norm: true, "
       "position_offset: 2}",
       "only a Marian's"},
  };
  for (const auto& [model, part] : wrong) {
    const TinyRun run(model);
    try {
      export_folder(run.path().string(), folder_ / "back");
      ADD_FAILURE() << model;
    } catch (const base::CheckpointError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    EXPECT_TRUE(fs::is_empty(folder_.path()));
  }
}

// ---- weights in other clothes -----------------------------------------------------------------

TEST_F(HuggingFaceTest, ReadsShardsByTheirIndex) {
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

TEST_F(HuggingFaceTest, ReadsHalvesAsFloats) {
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

TEST_F(HuggingFaceTest, KnowsTheTableOfTokensByItsOtherNames) {
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

TEST_F(HuggingFaceTest, KeepsAnOutputLayerOfItsOwn) {
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

TEST_F(HuggingFaceTest, TellsEveryTensorThatDoesNotFitByItsNameThere) {
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

TEST_F(HuggingFaceTest, RefusesPositionsThatAreNoSines) {
  const auto from = copy_of("marian");
  change_weights(from, [](NamedTensors& all) {
    all["model.encoder.embed_positions.weight"] = torch::zeros({24, 8});
  });
  EXPECT_NE(refusal(from).find("is not made of sines and cosines"), std::string::npos);
}

TEST_F(HuggingFaceTest, MakesNoRunThatNoCommandCouldOpen) {
  const auto from = copy_of("marian");
  change(from / "generation_config.json", [](json::object& g) { g["length_penalty"] = -1.0; });
  const auto message = refusal(from);
  EXPECT_NE(message.find("generation_config.json: \"length_penalty\" is -1"), std::string::npos)
      << message;
}

TEST_F(HuggingFaceTest, DoesNotReadPickles) {
  const auto from = copy_of("marian");
  fs::rename(from / kWeights, from / "pytorch_model.bin");
  const auto message = refusal(from);
  EXPECT_NE(message.find("pickled"), std::string::npos) << message;
  EXPECT_NE(message.find("save_pretrained"), std::string::npos) << message;
}

TEST_F(HuggingFaceTest, NamesTheFileThatIsMissing) {
  for (const char* name : {"config.json", "source.spm", "target.spm", "vocab.json", kWeights}) {
    fs::remove_all(folder_ / "marian");
    const auto from = copy_of("marian");
    fs::remove(from / name);
    EXPECT_NE(refusal(from).find(name), std::string::npos) << name;
  }
}

TEST_F(HuggingFaceTest, NeverWritesOverWhatIsThere) {
  const auto run = imported(kFixtures / "marian");
  EXPECT_THROW(import_folder(kFixtures / "marian", run, {}), base::UsageError);
  EXPECT_THROW(export_folder(run.string(), run), base::UsageError);
}

}  // namespace
}  // namespace banter::models
