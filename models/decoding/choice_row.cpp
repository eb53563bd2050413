#include "models/decoding/choice_row.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace banter::models {
namespace {

bool holds(std::span<const Candidate> before, data::TokenId id) {
  return std::ranges::find(before, id, &Candidate::id) != before.end();
}

float logit_of(std::span<const Candidate> before, data::TokenId id, float now) {
  const auto found = std::ranges::find(before, id, &Candidate::id);
  return found == before.end() ? now : found->logit;
}

}  // namespace

ChoiceRow::ChoiceRow(std::span<float> logits, std::span<const data::TokenId> said,
                     const DecodingOptions& options)
    : logits_(logits), model_(norm_of(logits)), ranked_(model_) {
  if (options.top_log_probs > 0) {
    std::vector<TokenLogProb> top;
    for (const auto& [id, logit] : highest(logits, static_cast<std::size_t>(options.top_log_probs)))
      top.push_back({id, static_cast<float>(model_.log_prob(logit))});
    top_ = std::make_shared<const std::vector<TokenLogProb>>(std::move(top));
  }
  const auto penalty = options.repetition_penalty;
  if (penalty != 1.0)
    for (const auto id : said) {
      if (holds(changed_, id)) continue;
      auto& logit = logits_[static_cast<std::size_t>(id)];
      changed_.push_back({id, logit});
      logit = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
    }
  const auto penalised = changed_.size();
  for (const auto& [id, nats] : options.logit_bias) {
    auto& logit = logits_[static_cast<std::size_t>(id)];
    if (!holds(std::span(changed_).first(penalised), id)) changed_.push_back({id, logit});
    logit += nats;
  }
  if (!changed_.empty()) ranked_ = norm_of(logits_);
}

void ChoiceRow::discourage(data::TokenId id, double nats) {
  auto& logit = logits_[static_cast<std::size_t>(id)];
  if (!holds(discouraged_, id)) discouraged_.push_back({id, logit});
  logit = static_cast<float>(logit - nats);
}

ChosenToken ChoiceRow::chosen(data::TokenId id, const SharedAttention& attention) const {
  const auto ranked = logit_of(discouraged_, id, logits_[static_cast<std::size_t>(id)]);
  return {.id = id,
          .log_prob = model_.log_prob(logit_of(changed_, id, ranked)),
          .ranked_log_prob = ranked_.log_prob(ranked),
          .attention = attention,
          .top = top_};
}

}  // namespace banter::models
