#include "models/consistency/consistency_reranker.h"

#include <algorithm>
#include <string>
#include <vector>

namespace banter::models {
namespace {

std::vector<std::string> texts_of(const std::vector<data::Context::Row>& facts,
                                  const data::Tokenizer& tokenizer) {
  std::vector<std::string> texts;
  texts.reserve(facts.size());
  for (const auto& fact : facts) texts.push_back(tokenizer.decode(fact.ids));
  return texts;
}

}  // namespace

Reranker consistency_reranker(ConsistencyJudge& judge, const data::Tokenizer& tokenizer,
                              double margin) {
  return [&judge, tokenizer, margin](const data::Context& context, std::span<const Reply> replies) {
    const auto facts = texts_of(context.facts, tokenizer);
    std::vector<std::string> texts;
    std::vector<double> fluencies;
    for (const auto& reply : replies) {
      texts.push_back(text_of(reply, tokenizer));
      fluencies.push_back(mean_log_prob(reply));
    }
    const auto least = std::ranges::max(fluencies) - margin;
    std::vector<ReplyOfPersona> asked;
    for (const auto& text : texts) asked.push_back({.reply = text, .persona = facts});
    const auto judged = judge.judge(asked);
    std::vector<double> scores;
    for (std::size_t r = 0; r < replies.size(); ++r)
      scores.push_back(fluencies[r] >= least ? consistency_score(judged[r])
                                             : -1.0 - static_cast<double>(facts.size()));
    return scores;
  };
}

}  // namespace banter::models
