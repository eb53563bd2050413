#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train/experiment/options.h"
#include "train/recipe.h"

namespace banter::train {

/// A run of the grid: what it is trained by, where it lies, and the commands that make it.
///
///     FOLDER/cells/both-concat/seed-2/   recipe.yaml     the effective recipe, complete
///                                        cell.json       what the files below were made from
///                                        run/            of `banter train`
///                                        training.json   when it is trained
///                                        evaluation.json when it is measured: then it is done
///                                        log.txt, times.json
struct Cell {
  std::string row;
  std::int64_t seed = 0;
  std::string name;                    ///< "both-concat/seed-2"
  std::filesystem::path folder{};      ///< of the files above
  std::filesystem::path store{};       ///< that it learns from
  std::vector<MixedStore> mix{};       ///< further ones
  std::filesystem::path pair_store{};  ///< of sentence pairs, "" = none of its own
  std::string init_from{};             ///< the run that its parameters start from; "" = none
  std::string init_encoder{};          ///< the pretrained encoder that they start from; likewise
  bool prepares = false;         ///< the store is made from the recipe's `data`; else it is given
  std::string recipe{};          ///< the effective YAML
  std::string recipe_key{};      ///< hash of all of it that a training depends on
  std::string evaluation_key{};  ///< hash of how it is measured
  std::string data_key{};        ///< hash of the recipe's `data`; "" when there is none
  std::int64_t steps = 0;        ///< of the training, 0 = not known beforehand
  std::string valid_split{};     ///< by which its best checkpoint is chosen
  std::int64_t threads = 0;      ///< that the recipe asks for, 0 = a share of all
  JudgedOn judged_on = JudgedOn::kReplies;  ///< kPairs: its model is a classifier

  [[nodiscard]] std::filesystem::path recipe_file() const { return folder / "recipe.yaml"; }
  [[nodiscard]] std::filesystem::path run() const { return folder / "run"; }
};

/// All cells, seed by seed, so that a part of them is already a comparison of all rows. Every
/// recipe is read and checked here, before anything runs.
/// Throws   ConfigError naming the place in the experiment's or the recipe's file, or the row that
///          cannot be measured as the experiment says
std::vector<Cell> cells_of(const ExperimentOptions& options);

/// The arguments of `banter` that make a cell, one after the other.
std::vector<std::string> prepare_arguments(const Cell& cell);
std::vector<std::string> train_arguments(const Cell& cell);
std::vector<std::string> measure_arguments(const Cell& cell, const ExperimentOptions& options);

}  // namespace banter::train
