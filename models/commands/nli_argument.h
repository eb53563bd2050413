#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "models/commands/model_arguments.h"
#include "models/consistency/consistency_judge.h"
#include "models/decoding/options.h"
#include "models/decoding/reranking.h"

namespace banter::models {

/// --nli: the run of a classifier that judges replies by the sentences of a persona.
struct NliArgument {
  std::string run;  ///< "" = none

  void add_to(CLI::App& app, const std::string& help);

  /// Null when none is given; on the model's device.
  /// Throws   CheckpointError, which says so where the run is of a dialogue model
  [[nodiscard]] std::unique_ptr<ConsistencyJudge> load(const ModelArguments& model) const;
};

/// The reranker that `options` name: `judge`'s, which must outlive it, or that of the table.
/// Throws   ConfigError when it takes a judge and there is none (null)
Reranker reranker_of(const DecodingOptions& options, ConsistencyJudge* judge,
                     const data::Tokenizer& tokenizer);

}  // namespace banter::models
