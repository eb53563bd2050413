#include "train/tasks/decoded_samples.h"

#include <cmath>
#include <string>

#include "base/repaired_utf8.h"
#include "models/commands/reply_json.h"
#include "train/evaluation/evaluate.h"

namespace banter::train {
namespace {

namespace json = base::json;

/// "A", "B", ...; "?" for nobody that is known.
std::string speaker_name(std::int64_t speaker) {
  if (speaker < 1 || speaker > 26) return "?";
  return {static_cast<char>('A' + speaker - 1)};
}

json::array rounded_rows(const std::vector<std::vector<float>>& weights) {
  json::array rows;
  for (const auto& weights_of_token : weights) {
    json::array row;
    for (const float weight : weights_of_token)
      row.emplace_back(std::round(static_cast<double>(weight) * 1000) / 1000);
    rows.emplace_back(std::move(row));
  }
  return rows;
}

json::array texts_of(const std::vector<data::TokenId>& ids, const data::Tokenizer& tokenizer) {
  json::array texts;
  for (const auto id : ids) texts.emplace_back(base::repaired_utf8(tokenizer.surface(id)));
  return texts;
}

json::object as_json(const Answer& answer, const data::Tokenizer& tokenizer) {
  const auto& context = answer.context;
  const auto& reply = answer.replies.best.at(0);
  json::array facts, turns;
  for (const auto& fact : context.facts) facts.emplace_back(tokenizer.decode(fact.ids));
  for (const auto& turn : context.turns)
    turns.emplace_back(json::object{{"speaker", speaker_name(turn.speaker)},
                                    {"text", tokenizer.decode(turn.ids)}});
  const auto given_turns = static_cast<std::int64_t>(context.turns.size());
  json::object sample{{"dialogue", answer.example.dialogue},
                      {"turn", answer.example.turn},
                      {"facts", std::move(facts)},
                      {"turns", std::move(turns)},
                      {"speaker", speaker_name(context.reply_speaker)},
                      {"reference", tokenizer.decode(context.reply)},
                      {"reply", models::text_of(reply, tokenizer)},
                      {"finish", reply.finish},
                      {"tokens", texts_of(reply.ids, tokenizer)}};
  if (reply.attention.empty()) return sample;
  sample["sources"] = models::sources_json(answer.replies.facts, answer.replies.turns, given_turns);
  json::object attention;
  for (const auto& kind : reply.attention) attention[kind.name] = rounded_rows(kind.weights);
  sample["attention"] = std::move(attention);
  return sample;
}

}  // namespace

json::array decoded_samples(models::DialogueModel& model, const data::Store& store,
                            const data::Split& split, const data::BatchOptions& options,
                            std::int64_t count) {
  const AnswerOptions how{.decoding = {}, .rows = {.with_attention = true}};
  json::array samples;
  for (const auto& answer :
       answers(model, store.tokenizer(), split, options, how, static_cast<std::uint64_t>(count)))
    samples.emplace_back(as_json(answer, store.tokenizer()));
  return samples;
}

}  // namespace banter::train
