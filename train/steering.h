#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "train/metrics/likelihoods/likelihood.h"
#include "train/metrics/pairs/pair_fit.h"

namespace banter::train {

/// What a model is judged on while it learns.
enum class JudgedOn : std::uint8_t { kReplies, kPairs };

/// The figures that training may be steered by (`keep_best`), all from one pass: of replies,
/// teacher-forced, bpb, ppl, ppl_word, token_accuracy; of pairs accuracy and loss.
std::map<std::string, double> steering_metrics(const Likelihood& sums);
std::map<std::string, double> steering_metrics(const PairFit& sums);

bool is_steering_metric(std::string_view name, JudgedOn what);
std::string steering_metric_names(JudgedOn what);  ///< sorted, with commas
/// What `keep_best` names unless it is said.
std::string usual_steering_metric(JudgedOn what);
/// Whether `value` beats `best` under the metric's own direction; equal or NaN does not.
bool is_better(std::string_view metric, double value, double best);

}  // namespace banter::train
