// Folders of the `transformers` library as runs, and runs as folders: the same numbers there and
// here. expected.json is what that library computes, made by
// tests/models/reference/hugging_face.py.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/batches/batch.h"
#include "models/checkpoint/load_model.h"
#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/run.h"
#include "tests/decoding/tiny_run.h"
#include "tests/hugging_face/imports.h"
#include "tests/support/process.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

const fs::path kScript = kReferenceScripts / "hugging_face.py";
const fs::path kExpected = kFixtures / "expected.json";

std::vector<std::int64_t> integers(const json::value& list) {
  return json::value_to<std::vector<std::int64_t>>(list);
}

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

}  // namespace
}  // namespace banter::models
