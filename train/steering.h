#pragma once

#include <map>
#include <string>
#include <string_view>

#include "train/metrics/likelihood.h"

namespace banter::train {

/// The figures that training may be steered by (`keep_best`), all from one teacher-forced pass:
/// bpb, ppl, ppl_word, token_accuracy.
std::map<std::string, double> steering_metrics(const Likelihood& sums);

bool is_steering_metric(std::string_view name);
std::string steering_metric_names();  ///< sorted, with commas
/// Whether `value` beats `best` under the metric's own direction; equal or NaN does not.
bool is_better(std::string_view metric, double value, double best);

}  // namespace banter::train
