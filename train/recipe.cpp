#include "train/recipe.h"

#include <cmath>
#include <utility>

#include "models/decoding/options.h"
#include "models/hugging_face/encoder_start.h"
#include "models/pair_classifiers.h"
#include "models/registry.h"

namespace banter::train {
namespace {

struct Learning {
  data::BatchOptions batch;
  TrainOptions train;
  JudgedOn judged_on = JudgedOn::kReplies;
};

/// Reads the parts that numbers depend on, so that `Config::dump` knows them with their defaults.
Learning read_learning(configs::Section& root) {
  Learning learning;
  auto batch_section = root.section("batch");
  learning.batch = data::BatchOptions::from(batch_section);
  auto model_section = root.section("model");
  models::check_model(model_section);
  const auto type = models::model_type(model_section);
  if (models::is_pair_classifier(type)) learning.judged_on = JudgedOn::kPairs;
  auto train_section = root.section("train");
  learning.train = TrainOptions::from(train_section, learning.judged_on);
  train_section.check(
      learning.train.init_encoder.empty() || models::starts_from_encoder(type), "init_encoder",
      "left out with a model of type " + type + ": " + models::types_that_start_from_encoders() +
          " start from a pretrained encoder");
  train_section.check(learning.train.word_drop == 0 || type != "vhred", "word_drop",
                      "left out with a model of type vhred, which has model.word_drop");
  return learning;
}

PairSource read_pairs(configs::Section section) {
  PairSource pairs;
  pairs.store = section.get("store", "");
  pairs.split = section.get("split", pairs.split);
  pairs.fraction = section.get("fraction", pairs.fraction);
  pairs.exclude = section.choice("exclude", pairs.exclude, {"none", "dropped"});
  section.check(!pairs.split.empty(), "split", "the name of a split");
  section.check(pairs.fraction > 0 && pairs.fraction <= 1, "fraction", "in (0, 1]");
  section.reject_unknown();
  return pairs;
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
  auto pairs = read_pairs(root.section("pairs"));
  const auto run = root.require<std::string>("run");
  const auto device = root.get<std::string>("device", "auto");
  const auto threads = root.get<std::int64_t>("threads", 0);
  root.check(!store.empty(), "store", "the name of a folder");
  root.check(!run.empty(), "run", "the name of a folder");
  root.check(threads >= 0 && threads <= 1024, "threads", "from 0 (all cores) to 1024");
  auto [batch, train, judged_on] = read_learning(root);
  if (judged_on == JudgedOn::kPairs && !mix.empty())
    root.fail("mix", "is of dialogues; a classifier learns from the pairs of `store`");
  if (judged_on == JudgedOn::kPairs && pairs != PairSource{})
    root.fail("pairs",
              "is of models that learn from dialogues; a classifier learns from the pairs of "
              "`store`, and train.split and train.fraction say which");
  if (judged_on == JudgedOn::kPairs && train.pairs_per_dialogue_batch > 0)
    root.section("train").fail("pairs_per_dialogue_batch",
                               "must be 0: a classifier learns from pairs alone, those of `store`");
  auto decoding = root.section("decoding");  // not used here, but generate and chat go by it
  models::DecodingOptions::from(decoding);
  root.ignore({"data"});
  root.reject_unknown();

  auto learning_root = learning.root();
  read_learning(learning_root);
  return {.store = store,
          .mix = std::move(mix),
          .pairs = std::move(pairs),
          .run = run,
          .device = device,
          .threads = threads,
          .batch = std::move(batch),
          .train = std::move(train),
          .judged_on = judged_on,
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
