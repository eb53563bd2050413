#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "data/batches/examples.h"
#include "data/store/split.h"
#include "data/tokenizer/tokenizer.h"
#include "models/dialogue_model.h"
#include "train/metrics/likelihoods/hits.h"

namespace banter::train {

/// By what candidates are compared.
enum class RankScore {
  kMean,  ///< log-probability a label, eos counted
  kSum,   ///< log-probability of the reply: shorter ones are more probable
};
inline constexpr std::array kRankScores = {"mean", "sum"};  ///< by number

/// Where the true reply comes among itself and the distractors that stand beside it in the store,
/// for every reply of the split that has some. Distractors with the very words of the true reply
/// (`f1_words`) are left out, and a reply that then has none is not ranked.
///
/// Modes    runs in eval mode and leaves the model as it was
/// Throws   DataError when no reply has distractors; Stopped when a signal came
std::vector<Rank> rank_replies(models::DialogueModel& model, const data::Tokenizer& tokenizer,
                               const data::Split& split, const data::BatchOptions& options,
                               RankScore score, bool quiet = true);

}  // namespace banter::train
