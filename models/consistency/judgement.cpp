#include "models/consistency/judgement.h"

#include <algorithm>

namespace banter::models {

data::Label Judgement::label() const {
  return static_cast<data::Label>(std::ranges::max_element(probs) - probs.begin());
}

double Judgement::prob() const { return *std::ranges::max_element(probs); }

int consistency_score(std::span<const Judgement> judgements) {
  int score = 0;
  for (const auto& judgement : judgements) {
    const auto label = judgement.label();
    score += label == data::Label::kEntailment ? 1 : label == data::Label::kContradiction ? -1 : 0;
  }
  return score;
}

}  // namespace banter::models
