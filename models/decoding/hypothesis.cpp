#include "models/decoding/hypothesis.h"

#include <cmath>

namespace banter::models {

void Hypothesis::append(data::TokenId id, double log_prob, const SharedAttention& token_attention) {
  ids.push_back(id);
  log_probs.push_back(static_cast<float>(log_prob));
  if (token_attention) attention.push_back(token_attention);
  sum += log_prob;
}

Hypothesis Hypothesis::with(data::TokenId id, double log_prob,
                            const SharedAttention& token_attention) const {
  Hypothesis longer = *this;
  longer.append(id, log_prob, token_attention);
  return longer;
}

double Hypothesis::score(double length_penalty) const {
  return ids.empty() ? 0 : sum / std::pow(static_cast<double>(ids.size()), length_penalty);
}

Reply Hypothesis::to_reply(double length_penalty, data::TokenId eos) const {
  Reply reply;
  reply.ids = ids;
  reply.log_probs = log_probs;
  reply.score = score(length_penalty);
  reply.finish = "length";
  if (!ids.empty() && ids.back() == eos) {
    reply.ids.pop_back();
    reply.finish = "eos";
  }
  if (!attention.empty()) {
    for (std::size_t kind = 0; kind < attention.front()->size(); ++kind) {
      ReplyAttention one{.name = (*attention.front())[kind].name, .weights = {}};
      for (const auto& token : attention) one.weights.push_back((*token)[kind].weights);
      reply.attention.push_back(std::move(one));
    }
  }
  return reply;
}

double best_possible_score(double sum, double length_penalty, std::int64_t max_length) {
  return sum / std::pow(static_cast<double>(max_length), length_penalty);
}

}  // namespace banter::models
