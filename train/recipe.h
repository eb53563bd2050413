#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "configs/section.h"
#include "data/batches/examples.h"
#include "data/batches/part.h"
#include "train/options.h"

namespace banter::train {

/// A store beside the recipe's `store` that is learned from, too.
struct MixedStore {
  std::filesystem::path store;
  double weight = 1;  ///< of its labels, where those of `store` weigh 1; > 0
};

/// Where sentence pairs come from that a model learns from beside its dialogues.
struct PairSource {
  std::filesystem::path store;  ///< "" = the recipe's
  std::string split = "train";
  double fraction = 1;           ///< of the groups of it, by train.fraction_seed; in (0, 1]
  std::string exclude = "none";  ///< none|dropped: those made from what train.fraction drops

  bool operator==(const PairSource&) const = default;
};

/// What `banter train` reads of a recipe.
struct Recipe {
  std::filesystem::path store;  ///< folder that `banter prepare` wrote
  std::vector<MixedStore> mix;  ///< further ones, with the same tokenizer
  PairSource pairs;             ///< read where train.pairs_per_dialogue_batch is above 0
  std::filesystem::path run;    ///< folder of this training
  std::string device;           ///< as --device takes it
  std::int64_t threads = 0;     ///< of computing, 0 = all cores or OMP_NUM_THREADS
  data::BatchOptions batch;
  TrainOptions train;
  JudgedOn judged_on = JudgedOn::kReplies;  ///< kPairs: the model is a classifier of pairs
  configs::Config config;                   ///< where the model's keys are read from
  std::string text;                         ///< the effective YAML, all of it
  std::string learning;  ///< the part that numbers depend on (batch, model, train): goes into
                         ///< checkpoints, so that they do not know where they lie

  /// What is learned from of each store's split `train.split`.
  [[nodiscard]] data::Part part() const { return {train.fraction, train.fraction_seed}; }

  /// Reads a file with overrides. Throws   ConfigError, FileError
  static Recipe load(const std::filesystem::path& file,
                     const std::vector<std::string>& overrides = {});
  /// The same of a configuration, which stays unread. Throws   ConfigError
  static Recipe of(const configs::Config& config);
  static Recipe parse(std::string_view yaml, std::string_view name,
                      const std::vector<std::string>& overrides = {});
};

}  // namespace banter::train
