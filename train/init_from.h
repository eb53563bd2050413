#pragma once

#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "data/tokenizer/tokenizer.h"

namespace banter::train {

/// What a model took from another run before it began to learn.
struct Initialised {
  std::string checkpoint;           ///< its folder
  std::string hash;                 ///< its name among checkpoints
  std::vector<std::string> copied;  ///< names of parameters
  std::vector<std::string> fresh;   ///< that start by the model's own rule
};

/// Copies into a model those parameters of another run's checkpoint that have the name and the
/// shape of one of its own: a `vhred` may start from a trained `hred`.
///
/// Throws   CheckpointError when the checkpoint cannot be used; ConfigError when it has another
///          tokenizer, or no matrix fits; then nothing was copied
Initialised init_from(torch::nn::Module& model, const data::Tokenizer& tokenizer,
                      const std::string& run_name);

}  // namespace banter::train
