#include "models/commands/reply_json.h"

#include <array>
#include <charconv>

namespace banter::models {

namespace json = base::json;

json::value short_number(float value) {
  std::array<char, 32> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  double shortest = 0;
  std::from_chars(digits.data(), written.ptr, shortest);
  return shortest;
}

json::object reply_json(const Reply& reply, const data::Tokenizer& tokenizer) {
  json::object object;
  object["reply"] = text_of(reply, tokenizer);
  double sum = 0;
  json::array tokens, log_probs;
  for (const auto id : reply.ids) tokens.emplace_back(tokenizer.piece(id));
  if (reply.finish == "eos") tokens.emplace_back(tokenizer.piece(tokenizer.special().eos));
  for (const float log_prob : reply.log_probs) {
    sum += log_prob;
    log_probs.push_back(short_number(log_prob));
  }
  object["log_prob"] = sum;
  object["score"] = reply.score;
  if (reply.rerank_score) object["rerank_score"] = *reply.rerank_score;
  object["finish"] = reply.finish;
  object["tokens"] = std::move(tokens);
  object["log_probs"] = std::move(log_probs);
  if (reply.attention.empty()) return object;
  json::object attention;
  for (const auto& kind : reply.attention) {
    json::array rows;
    for (const auto& token : kind.weights) {
      json::array row;
      for (const float weight : token) row.push_back(short_number(weight));
      rows.push_back(std::move(row));
    }
    attention[kind.name] = std::move(rows);
  }
  object["attention"] = std::move(attention);
  return object;
}

json::array sources_json(std::int64_t facts, std::int64_t turns, std::int64_t given_turns) {
  json::array sources;
  for (std::int64_t f = 0; f < facts; ++f) sources.push_back(json::object{{"fact", f}});
  for (std::int64_t u = given_turns - turns; u < given_turns; ++u)
    sources.push_back(json::object{{"turn", u}});
  return sources;
}

}  // namespace banter::models
