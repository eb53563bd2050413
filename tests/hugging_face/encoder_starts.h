#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "models/checkpoint/safetensors.h"
#include "models/hugging_face/encoder_start.h"
#include "models/pair_classifiers.h"
#include "models/registry.h"
#include "tests/hugging_face/fixtures.h"
#include "tests/support/temporary_folder.h"

/// Models of the sizes of the fixtures' encoders, and how they start from these.
namespace banter::models {

inline constexpr const char* kWhere = "train.init_encoder";

/// Has all letters of the fixtures as pieces, and some of their words.
inline const data::Tokenizer& tokenizer() {
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
inline std::string options_for(const std::string& name) {
  return "dim: 8\nheads: 2\nffn_dim: 12\nnorm: post\npositions: learned\nmax_positions: 20\n"
         "scale_embedding: false\nembedding_norm: true\nactivation: gelu\n" +
         std::string(name == "bert" ? "norm_eps: 1e-12\n" : "position_offset: 2\n");
}

inline std::string stack_for(const std::string& name, const std::string& more = "") {
  return "type: stack_propagation\nencoder_layers: 3\ndecoder_layers: 2\nconsistency_layers: 1\n" +
         options_for(name) + more;
}

inline std::shared_ptr<torch::nn::Module> build(const std::string& yaml,
                                                const data::Tokenizer& of = tokenizer()) {
  const auto config = configs::Config::parse(yaml, "model.yaml");
  const Vocabulary vocabulary{of.vocab_size(), of.special()};
  if (yaml.starts_with("type: nli")) return build_pair_classifier(config.root(), vocabulary, 3);
  return build_model(config.root(), vocabulary, 3);
}

inline EncoderStart start(torch::nn::Module& model, const std::filesystem::path& place) {
  return start_from_encoder(model, tokenizer(), place, kWhere);
}

class EncoderStartTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { torch::set_num_threads(1); }

  std::filesystem::path copy_of(const std::string& name) {
    std::filesystem::copy(kEncoders / name, folder_ / name);
    return folder_ / name;
  }
  static void change(const std::filesystem::path& folder,
                     const std::function<void(NamedTensors&)>& by) {
    auto tensors = read_safetensors(folder / kWeights);
    by(tensors);
    write_safetensors(folder / kWeights, tensors);
  }
  /// The message of a refused start, which leaves the model as it was.
  template <typename Error = base::Error>
  static std::string refusal(const std::string& yaml, const std::filesystem::path& place) {
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

  tests::TemporaryFolder folder_;
};

}  // namespace banter::models
