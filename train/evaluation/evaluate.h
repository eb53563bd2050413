#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <torch/types.h>
#include <torch/utils.h>

#include "data/batches/batch.h"
#include "data/store/store.h"
#include "models/decoding/decoder.h"
#include "models/decoding/options.h"
#include "models/decoding/reply.h"
#include "models/decoding/reranking.h"
#include "models/dialogue_model.h"
#include "train/evaluation/ngram.h"
#include "train/metrics/likelihoods/likelihood.h"
#include "train/metrics/likelihoods/likelihood_files.h"
#include "train/metrics/likelihoods/turn_fits.h"
#include "train/metrics/texts/sample.h"

namespace banter::train {

/// The sums of every reply of a scored batch, row by row.
std::vector<Likelihood> reply_likelihoods(const models::Score& score, const data::Batch& batch);

/// How a model and the n-gram rows fit the same labels: sums of each group of dialogues that has a
/// reply (`groups_of_dialogues`), in the order of the split, so that intervals can be drawn.
struct Evaluation {
  std::vector<ReplyLikelihood> replies;  ///< of the model, in the order in which they were scored
  std::vector<Likelihood> model;
  std::vector<Likelihood> bigram, unigram;                 ///< empty without a baseline
  TurnSums by_turn;                                        ///< of the model, by the replies' places
  std::map<std::string, std::vector<Likelihood>> further;  ///< of `DialogueModel::further_scores`
};

/// Scores every reply of a split once, teacher-forced, nothing cut from replies, and bounds what
/// has no exact score (`DialogueModel::bound`). `baseline` may be null.
///
/// Modes    runs in eval mode under NoGradGuard and leaves the model as it was
/// Throws   Stopped when a signal came
Evaluation evaluate(models::DialogueModel& model, const data::Split& split,
                    const data::BatchOptions& options, const NgramBaseline* baseline,
                    torch::Device device = torch::kCPU, bool quiet = true);

/// A reply of a split, and what a model answers in its place.
struct Answer {
  data::Example example;
  data::Context context;  ///< all of it that the options could let through, with the reply
  models::Replies replies;
};

/// How contexts of a split are answered.
struct AnswerOptions {
  models::DecodingOptions decoding;
  models::Reranker reranker = nullptr;  ///< instead of the one that `decoding` names
  models::DecodeLimits rows{};
  bool quiet = true;
};

/// Answers `count` contexts that are spread evenly over the split (all, when it has fewer), in its
/// order, without log-probabilities. Which ones is a function of the split and of
/// `options.reply_by` alone.
/// Throws   Stopped when a signal came; base::Error when the model's logits are not finite
std::vector<Answer> answers(models::DialogueModel& model, const data::Tokenizer& tokenizer,
                            const data::Split& split, const data::BatchOptions& options,
                            const AnswerOptions& how, std::uint64_t count);

/// The same as samples for metrics: the first reply, the corpus's as reference, the context, all
/// that is known of who replies, and the group of the dialogue.
std::vector<Sample> answer(models::DialogueModel& model, const data::Tokenizer& tokenizer,
                           const data::Split& split, const data::BatchOptions& options,
                           const AnswerOptions& how, std::uint64_t count);

}  // namespace banter::train
