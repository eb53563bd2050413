#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "models/consistency/judgement.h"

namespace banter::models {

/// A persona for the terminal, a numbered line a sentence; where judgements are given, how the last
/// reply stands to each and the probability of that:
///
///     1  entailed      0.93  i have two dogs .
///     2  neutral       0.88  i live in rome .
std::string persona_view(const std::vector<std::string>& persona,
                         std::span<const Judgement> judgements);

/// The same of a reply for programs: [{"fact", "text", "label", "entailment", "neutral",
/// "contradiction"} ...], `fact` from 0, the last three probabilities.
base::json::array consistency_json(const std::vector<std::string>& persona,
                                   std::span<const Judgement> judgements);

}  // namespace banter::models
