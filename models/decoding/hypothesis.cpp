#include "models/decoding/hypothesis.h"

#include <algorithm>
#include <cmath>

namespace banter::models {

void Hypothesis::append(const ChosenToken& token) {
  ids.push_back(token.id);
  log_probs.push_back(static_cast<float>(token.log_prob));
  if (token.attention) attention.push_back(token.attention);
  if (token.top) top.push_back(token.top);
  sum += token.ranked_log_prob;
}

Hypothesis Hypothesis::with(const ChosenToken& token) const {
  Hypothesis longer = *this;
  longer.append(token);
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
  reply.cut_bytes = cut_bytes;
  if (cut_bytes > 0) {
    reply.finish = "stop";
  } else if (!ids.empty() && ids.back() == eos) {
    reply.ids.pop_back();
    reply.finish = "eos";
  }
  for (const auto& place : top) reply.top_log_probs.push_back(*place);
  if (!attention.empty()) {
    for (std::size_t kind = 0; kind < attention.front()->size(); ++kind) {
      ReplyAttention one{.name = (*attention.front())[kind].name, .weights = {}};
      for (const auto& place : attention) {
        const auto& [name, weights, tokens] = (*place)[kind];
        one.weights.push_back(weights);
        if (!tokens.empty()) one.tokens.push_back(tokens);
      }
      reply.attention.push_back(std::move(one));
    }
  }
  return reply;
}

std::span<const data::TokenId> common_prefix(
    const std::vector<std::span<const data::TokenId>>& texts) {
  if (texts.empty()) return {};
  auto common = texts.front();
  for (const auto text : texts)
    common = common.first(
        static_cast<std::size_t>(std::ranges::mismatch(common, text).in1 - common.begin()));
  return common;
}

double best_possible_score(double sum, double length_penalty, std::int64_t max_length) {
  return sum / std::pow(static_cast<double>(max_length), length_penalty);
}

}  // namespace banter::models
