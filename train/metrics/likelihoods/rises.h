#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "train/metrics/likelihoods/likelihood.h"
#include "train/metrics/statistics/interval.h"

namespace banter::train {

/// How much worse replies fit when their contexts are altered and they are not: a model that does
/// not look at what was altered shows no rise.
struct Rise {
  std::string name;       ///< perturb_shuffle_turns, ...
  double value = 0;       ///< nats a word: nll_word altered - nll_word as it is
  Interval interval;      ///< percentile bootstrap over dialogues, the same draws for both
  double nll_word = 0;    ///< altered
  double words = 0;       ///< white-space words of the replies
  std::string signature;  ///< begins with the name

  /// Of the same dialogues in the same order. `how` says what was altered and how.
  Rise(std::string_view metric, std::span<const Likelihood> plain,
       std::span<const Likelihood> altered, std::string_view how);
};

base::json::object to_json(std::span<const Rise> rises);
void print(std::ostream& out, std::span<const Rise> rises);

}  // namespace banter::train
