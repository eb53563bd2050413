#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/section.h"
#include "train/metrics/texts/words.h"

namespace banter::train {

/// Keys of a recipe with the values that are laid over it, in order.
using Changes = std::vector<std::pair<std::string, configs::Value>>;

/// Where a row stands on one of the axes that it is a product of.
struct Coordinate {
  std::string axis;              ///< its key or name; "" = the row of `rows` itself
  std::string name;              ///< of the value there, as in the row's name
  std::optional<double> number;  ///< that the value is, where it is one of a list of numbers
  bool operator==(const Coordinate&) const = default;
};

/// A row of the comparison: what is changed of the base recipe, under a name.
struct Row {
  std::string name;  ///< letters, digits, '.', '_', '+' and '-': part of file names
  Changes changes;
  std::vector<Coordinate> at = {};  ///< one for `rows`, where there are some, and one an axis
};

/// How trained models are measured.
struct EvaluationOptions {
  std::string split = "valid";      ///< of the store
  std::string checkpoint = "best";  ///< best (by the first of keep_best)|last
  std::int64_t replies = 200;       ///< contexts that are answered; 0 = none
  std::vector<std::string> metrics = {"ppl", "ppl_word",   "bpb",        "token_accuracy",
                                      "f1",  "distinct_1", "distinct_2", "length"};
  std::vector<std::string> decoding;           ///< "decoding.beam_size=5"; none = greedily
  std::string tokenize = kTokenizers.front();  ///< what the words of texts are
  std::string vectors;                         ///< file of word vectors for `embed_*`; "" = none
  std::string nli;         ///< run of a classifier that judges replies by personas; "" = none
  std::string judge = {};  ///< hash of its checkpoint
  std::optional<std::string> pairs;   ///< store of sentence pairs; "" = the cell's own
  std::string pairs_split = "valid";  ///< of it
};

/// Whether `banter evaluate` alone can measure it, since it needs the model: `hits_K`,
/// `perturb_TRANSFORM`.
bool is_of_evaluate(std::string_view metric);

/// Whether it is of classifiers of sentence pairs: `accuracy`, `loss`.
bool is_of_classifier(std::string_view metric);

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
  /// What others are tested against: a row, or the name of a value on an axis, then each row
  /// against that which differs from it by this value alone; "" = none.
  std::string baseline;
  std::int64_t trials = 10'000;  ///< of a test, >= 1
  std::int64_t samples = 5;      ///< contexts whose replies are shown side by side
  EvaluationOptions evaluate;
  GradientFlowOptions gradient_flow;
  std::string text;  ///< the effective YAML

  /// Reads a file with overrides, and the recipe that it names.
  /// Throws   ConfigError with file and line; FileError
  static ExperimentOptions load(const std::filesystem::path& file,
                                const std::vector<std::string>& overrides);
};

}  // namespace banter::train
