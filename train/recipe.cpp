#include "train/recipe.h"

#include <cmath>
#include <utility>

#include "models/decoding/options.h"
#include "models/registry.h"

namespace banter::train {
namespace {

/// Reads the parts that numbers depend on, so that `Config::dump` knows them with their defaults.
std::pair<data::BatchOptions, TrainOptions> read_learning(configs::Section& root) {
  auto batch_section = root.section("batch");
  auto batch = data::BatchOptions::from(batch_section);
  models::check_model(root.section("model"));
  auto train_section = root.section("train");
  return {std::move(batch), TrainOptions::from(train_section)};
}

std::vector<MixedStore> read_mix(configs::Section& root) {
  std::vector<MixedStore> mix;
  for (auto& section : root.sections("mix")) {
    MixedStore mixed;
    mixed.store = section.require<std::string>("store");
    mixed.weight = section.get("weight", mixed.weight);
    section.check(!mixed.store.empty(), "store", "the name of a folder");
    section.check(mixed.weight > 0 && std::isfinite(mixed.weight), "weight", "positive");
    section.reject_unknown();
    mix.push_back(std::move(mixed));
  }
  return mix;
}

Recipe read(configs::Config config, configs::Config learning) {
  auto root = config.root();
  const auto store = root.require<std::string>("store");
  auto mix = read_mix(root);
  const auto run = root.require<std::string>("run");
  const auto device = root.get<std::string>("device", "auto");
  const auto threads = root.get<std::int64_t>("threads", 0);
  root.check(!store.empty(), "store", "the name of a folder");
  root.check(!run.empty(), "run", "the name of a folder");
  root.check(threads >= 0 && threads <= 1024, "threads", "from 0 (all cores) to 1024");
  auto [batch, train] = read_learning(root);
  auto decoding = root.section("decoding");  // not used here, but generate and chat go by it
  models::DecodingOptions::from(decoding);
  root.ignore({"data"});
  root.reject_unknown();

  auto learning_root = learning.root();
  read_learning(learning_root);
  return {.store = store,
          .mix = std::move(mix),
          .run = run,
          .device = device,
          .threads = threads,
          .batch = std::move(batch),
          .train = std::move(train),
          .config = config,
          .text = config.dump(),
          .learning = learning.dump()};
}

}  // namespace

Recipe Recipe::of(const configs::Config& config) { return read(config.copy(), config.copy()); }

Recipe Recipe::load(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  return of(configs::Config::load(file, overrides));
}

Recipe Recipe::parse(std::string_view yaml, std::string_view name,
                     const std::vector<std::string>& overrides) {
  return of(configs::Config::parse(yaml, name, overrides));
}

}  // namespace banter::train
