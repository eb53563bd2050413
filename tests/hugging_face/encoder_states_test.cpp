// What models that start from pretrained encoders compute is what `transformers` computes with the
// folders beside encoders.json, made by tests/models/reference/hugging_face_encoder.py.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "base/json.h"
#include "data/tokenizer/own_symbols.h"
#include "models/hugging_face/encoder_weights.h"
#include "models/hugging_face/pretrained_words.h"
#include "models/layers/transformer/transformer_stack.h"
#include "models/layers/turn_embedding.h"
#include "tests/hugging_face/encoder_starts.h"
#include "tests/support/process.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;

using EncoderStatesTest = EncoderStartTest;

const fs::path kScript = kReferenceScripts / "hugging_face_encoder.py";

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

class EachEncoderTest : public EncoderStatesTest,
                        public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(, EachEncoderTest,
                         testing::Values("bert", "roberta", "xlm-roberta", "camembert"),
                         [](const auto& each) {
                           return each.param == "xlm-roberta" ? "xlm_roberta" : each.param;
                         });

TEST_P(EachEncoderTest, StatesAreThoseOfTheLibrary) {
  expect_states_of_library(kEncoders, GetParam());
}

TEST_F(EncoderStatesTest, StatesAndWordsAreThoseOfTheLibraryWithOtherWeightsToo) {
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

TEST_F(EncoderStatesTest, WithTheFilesOwnSentencePieceModelATextHasTheStatesOfTheLibrary) {
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

}  // namespace
}  // namespace banter::models
