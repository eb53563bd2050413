#include "tests/decoding/tiny_run.h"

#include <optional>

#include "base/files.h"
#include "models/checkpoint/checkpoint.h"
#include "models/checkpoint/safetensors.h"
#include "models/registry.h"

namespace banter::models {
namespace {

std::string trained_tokenizer(const std::string& greeting) {
  data::TokenizerOptions options;
  options.vocab_size = 330;
  int left = 200;
  return data::Tokenizer::train(options, [&]() -> std::optional<std::string> {
    if (left == 0) return std::nullopt;
    --left;
    const std::string number = std::to_string(left % 17);
    return greeting + ", how are you today number " + number + "? fine, where is the file?";
  });
}

}  // namespace

TinyRun::TinyRun(const std::string& model, const std::string& decoding, const std::string& batch,
                 const std::string& favourite, const std::string& greeting) {
  const std::string recipe = "model: " + model + "\nbatch: " + batch + "\n";
  const data::Tokenizer tokenizer(trained_tokenizer(greeting));
  const auto config = configs::Config::parse(recipe, "test");
  const auto built = build_model(config.root().section("model"),
                                 {tokenizer.vocab_size(), tokenizer.special()}, /*seed=*/3);
  // Untrained logits are nearly equal; spread them, so that rounding decides nothing.
  const torch::NoGradGuard no_grad;
  for (auto& parameter : built->parameters()) parameter.mul_(4.0);
  for (const auto id : tokenizer.encode(favourite))
    built->named_parameters()["output.bias"][id] += 20.0;

  CheckpointWriter writer(path(), 1);
  write_safetensors(writer.folder() / "model.safetensors", named_tensors(*built));
  base::write_durably(writer.folder() / "config.yaml", recipe);
  base::write_durably(writer.folder() / "tokenizer.model", tokenizer.model());
  base::write_durably(writer.folder() / "state.json", "{\"step\": 1}\n");
  writer.publish();
  point_to(path(), "CURRENT", 1);
  point_to(path(), "LAST", 1);
  base::write_durably(path() / "config.yaml", recipe + "decoding: " + decoding + "\n");
}

std::filesystem::path TinyRun::file(const std::string& content) const {
  base::write_durably(folder_ / "input", content);
  return folder_ / "input";
}

}  // namespace banter::models
