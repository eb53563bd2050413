#include "models/decoding/choice_row.h"

#include <algorithm>

namespace banter::models {
namespace {

bool holds(const std::vector<Candidate>& before, data::TokenId id) {
  return std::ranges::find(before, id, &Candidate::id) != before.end();
}

float logit_of(const std::vector<Candidate>& before, data::TokenId id, float now) {
  const auto found = std::ranges::find(before, id, &Candidate::id);
  return found == before.end() ? now : found->logit;
}

}  // namespace

ChoiceRow::ChoiceRow(std::span<float> logits, std::span<const data::TokenId> said,
                     double repetition_penalty)
    : logits_(logits), model_(norm_of(logits)), ranked_(model_) {
  if (repetition_penalty == 1.0 || said.empty()) return;
  for (const auto id : said) {
    if (holds(penalised_, id)) continue;
    auto& logit = logits_[static_cast<std::size_t>(id)];
    penalised_.push_back({id, logit});
    logit = static_cast<float>(logit > 0 ? logit / repetition_penalty : logit * repetition_penalty);
  }
  ranked_ = norm_of(logits_);
}

void ChoiceRow::discourage(data::TokenId id, double nats) {
  auto& logit = logits_[static_cast<std::size_t>(id)];
  if (!holds(discouraged_, id)) discouraged_.push_back({id, logit});
  logit = static_cast<float>(logit - nats);
}

ChosenToken ChoiceRow::chosen(data::TokenId id, const SharedAttention& attention) const {
  const auto ranked = logit_of(discouraged_, id, logits_[static_cast<std::size_t>(id)]);
  return {.id = id,
          .log_prob = model_.log_prob(logit_of(penalised_, id, ranked)),
          .ranked_log_prob = ranked_.log_prob(ranked),
          .attention = attention};
}

}  // namespace banter::models
