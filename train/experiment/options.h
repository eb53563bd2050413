#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/section.h"

namespace banter::train {

/// Keys of a recipe with the values that are laid over it, in order.
using Changes = std::vector<std::pair<std::string, configs::Value>>;

/// A row of the comparison: what is changed of the base recipe, under a name.
struct Row {
  std::string name;  ///< letters, digits, '.', '_', '+' and '-': part of file names
  Changes changes;
};

/// How trained models are measured.
struct EvaluationOptions {
  std::string split = "valid";      ///< of the store
  std::string checkpoint = "best";  ///< best (by the first of keep_best)|last
  std::int64_t replies = 200;       ///< contexts that are answered; 0 = none
  std::vector<std::string> metrics = {"ppl", "ppl_word",   "bpb",        "token_accuracy",
                                      "f1",  "distinct_1", "distinct_2", "length"};
  std::vector<std::string> decoding;  ///< "decoding.beam_size=5"; none = greedily
  std::string vectors;                ///< file of word vectors for `embed_*`; "" = none
};

/// Whether `banter evaluate` alone can measure it, since it needs the model: `hits_K`,
/// `perturb_TRANSFORM`.
bool is_of_evaluate(std::string_view metric);

/// What is measured of how far gradients reach back.
struct GradientFlowOptions {
  std::string split = "valid";
  std::int64_t min_turns = 2;   ///< of a context, >= 1
  std::int64_t max_turns = 20;  ///< of a context, > min_turns; replies with fewer are passed over
  std::int64_t replies = 64;    ///< whose gradients are measured, >= 1
};

/// An experiment: a grid of trainings, what is measured of each, and what is told of them.
struct ExperimentOptions {
  std::string kind = "comparison";        ///< comparison|gradient_flow
  std::filesystem::path folder;           ///< of all that it writes
  std::filesystem::path stores;           ///< of prepared stores; several experiments may share it
  configs::Config recipe;                 ///< the base recipe with `set` laid over it
  std::vector<Row> rows;                  ///< at least one, all names different
  std::vector<std::int64_t> seeds = {1};  ///< of the trainings, all different
  std::string baseline;                   ///< the row that others are tested against; "" = none
  std::int64_t trials = 10'000;           ///< of a test, >= 1
  std::int64_t samples = 5;               ///< contexts whose replies are shown side by side
  EvaluationOptions evaluate;
  GradientFlowOptions gradient_flow;
  std::string text;  ///< the effective YAML

  /// Reads a file with overrides, and the recipe that it names.
  /// Throws   ConfigError with file and line; FileError
  static ExperimentOptions load(const std::filesystem::path& file,
                                const std::vector<std::string>& overrides);
};

}  // namespace banter::train
