#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "data/store/store.h"
#include "models/commands/model_arguments.h"
#include "models/commands/nli_argument.h"
#include "models/decoding/options.h"
#include "train/evaluation/choice.h"
#include "train/evaluation/findings.h"
#include "train/evaluation/pairs/report.h"
#include "train/evaluation/ranking.h"
#include "train/metrics/texts/words.h"

namespace banter::train {

/// What `banter evaluate` is asked: which run, on which store, what of it, and what to write.
struct EvaluationRequest {
  models::ModelArguments model;
  models::NliArgument nli;
  std::string split = "valid", store, vectors;
  std::optional<std::string> pairs;  ///< store of sentence pairs; "" = that of the replies
  std::string pairs_split = "valid", pairs_file;
  std::string replies_file, likelihoods_file, sums_file;  ///< "" = none is written
  std::uint64_t replies = 200;                            ///< answered by `decoding`
  models::DecodingOptions decoding;
  EvaluationChoice choice = EvaluationChoice::usual();
  RankScore rank_score = RankScore::kMean;
  Tokenize tokenize = Tokenize::k13a;  ///< of the metrics of texts
  bool quiet = false;
};

/// All that is asked of a run that gives replies, on one split of a store.
///
/// Throws   ConfigError when `batch.reply_by: auto` is not decided by the store; DataError when the
///          split lacks what a metric is made of; FileError; Stopped when a signal came
Findings evaluate_replies(const EvaluationRequest& request, const models::LoadedModel& loaded,
                          const data::Store& store);

/// How a classifier labels the pairs of a split, and what the report of it is of.
struct ClassifierFindings {
  PairReportHead head;
  PairEvaluation pairs;
};

/// The same for a run that classifies sentence pairs.
///
/// Throws   DataError when the split has no pairs; FileError; Stopped when a signal came
ClassifierFindings evaluate_classifier(const EvaluationRequest& request,
                                       const models::LoadedClassifier& loaded,
                                       const data::Store& store);

}  // namespace banter::train
