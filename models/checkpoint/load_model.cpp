#include "models/checkpoint/load_model.h"

#include <filesystem>
#include <utility>

#include "base/errors.h"
#include "configs/section.h"
#include "models/checkpoint/safetensors.h"
#include "models/pair_classifiers.h"
#include "models/registry.h"

namespace banter::models {
namespace {

/// `build(section, vocabulary, seed)` makes the model of a checkpoint's config.
template <typename Build>
auto load(std::string_view run_name, torch::Device device, torch::Dtype dtype, const Build& build)
    -> Loaded<decltype(build(std::declval<configs::Section>(), Vocabulary{}, 0))> {
  auto checkpoint = find_checkpoint(RunName::parse(run_name));
  const auto& folder = checkpoint.folder;
  try {
    const auto config = configs::Config::load(folder / "config.yaml");
    auto root = config.root();
    auto batch_section = root.section("batch");
    auto batch = data::BatchOptions::from(batch_section);
    auto tokenizer = data::Tokenizer::open_folder(folder);

    auto model_section = root.section("model");
    const auto type = model_section.require<std::string>("type");
    constexpr std::uint64_t kAnySeed = 0;  // every parameter is replaced below
    auto model = build(model_section,
                       {.size = tokenizer.vocab_size(), .special = tokenizer.special()}, kAnySeed);
    assign(*model, read_safetensors(
                       folder / (checkpoint.use_ema ? "ema.safetensors" : "model.safetensors")));
    model->to(device, dtype);
    model->eval();
    return {std::move(model), std::move(tokenizer), std::move(batch), std::move(checkpoint), type};
  } catch (const base::Error& error) {
    throw base::CheckpointError(folder.string() + ": " + error.what());
  }
}

}  // namespace

LoadedModel load_model(std::string_view run_name, torch::Device device, torch::Dtype dtype) {
  return load(run_name, device, dtype, build_model);
}

LoadedClassifier load_classifier(std::string_view run_name, torch::Device device,
                                 torch::Dtype dtype) {
  return load(run_name, device, dtype, build_pair_classifier);
}

bool is_classifier_run(std::string_view run_name) {
  const auto recipe = RunName::parse(run_name).run / "config.yaml";
  if (!std::filesystem::exists(recipe)) return false;
  const auto config = configs::Config::load(recipe);
  return is_pair_classifier(config.root().section("model").get("type", ""));
}

}  // namespace banter::models
