#pragma once

#include <string>
#include <string_view>

#include <torch/types.h>

#include "data/batches/examples.h"
#include "data/tokenizer/tokenizer.h"
#include "models/checkpoint/checkpoint.h"
#include "models/dialogue_model.h"
#include "models/pair_classifier.h"

namespace banter::models {

/// A trained model with all that belongs to it, in eval mode.
template <typename Model>
struct Loaded {
  Model model;
  data::Tokenizer tokenizer;
  data::BatchOptions batch;  ///< the limits it was trained under; obeyed wherever it answers
  Checkpoint checkpoint;
  std::string type;  ///< "hred"
};
using LoadedModel = Loaded<ModelPtr>;
using LoadedClassifier = Loaded<PairClassifierPtr>;

/// Loads what a run name means ("runs/ubuntu", "runs/ubuntu@last").
///
/// Throws   CheckpointError when anything of it is missing, damaged, of another model or not finite
LoadedModel load_model(std::string_view run_name, torch::Device device = torch::kCPU,
                       torch::Dtype dtype = torch::kFloat32);
/// The same of a run that trained a classifier of sentence pairs.
LoadedClassifier load_classifier(std::string_view run_name, torch::Device device = torch::kCPU,
                                 torch::Dtype dtype = torch::kFloat32);
/// Whether a run's recipe is of a classifier of sentence pairs; false where it has none.
/// Throws   ConfigError, FileError
bool is_classifier_run(std::string_view run_name);

}  // namespace banter::models
