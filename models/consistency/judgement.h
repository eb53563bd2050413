#pragma once

#include <array>
#include <span>

#include "data/pair.h"

namespace banter::models {

/// How a reply stands to one sentence of its speaker's persona.
struct Judgement {
  std::array<double, 3> probs{};  ///< by data::Label, sum 1

  [[nodiscard]] data::Label label() const;  ///< the most probable; of equals the first
  [[nodiscard]] double prob() const;        ///< of that label
};

/// C.Score of a reply: sentences that it entails less those that it contradicts, by label.
/// Source   Madotto et al. 2019, aclanthology P19-1542 (PAML), `utils/metric.py`
int consistency_score(std::span<const Judgement> judgements);

}  // namespace banter::models
