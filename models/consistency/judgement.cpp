#include "models/consistency/judgement.h"

#include "models/label_log_probs.h"

namespace banter::models {

data::Label Judgement::label() const { return most_probable(probs); }

double Judgement::prob() const { return probs.at(static_cast<std::size_t>(label())); }

int consistency_score(std::span<const Judgement> judgements) {
  int score = 0;
  for (const auto& judgement : judgements) {
    const auto label = judgement.label();
    score += label == data::Label::kEntailment ? 1 : label == data::Label::kContradiction ? -1 : 0;
  }
  return score;
}

}  // namespace banter::models
