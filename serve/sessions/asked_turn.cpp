#include "serve/sessions/asked_turn.h"

#include <algorithm>

#include "serve/protocol/request_error.h"

namespace banter::serve {

Turn asked_turn(const ServedModel& model, const DecodeSettings& decode, std::int64_t seed,
                const std::vector<std::string>& facts) {
  Turn turn{.conversation = {},
            .owner = {},
            .context = {},
            .facts = facts,
            .decoding = search_options(decode, seed),
            .is_by_mmi = decode.rerank == "mmi",
            .prefix = model.tokenizer->begin_reply(decode.prefix)};
  turn.context.reply_speaker = kReplySpeaker;
  for (const auto& fact : facts)
    turn.context.facts.push_back({.ids = model.tokenizer->encode(fact), .speaker = kReplySpeaker});
  return turn;
}

void check_attention(AttentionLevel level, const ServedModel& model, const std::string& field) {
  if (std::ranges::find(model.attention, level) != model.attention.end()) return;
  std::string levels;
  for (const auto one : model.attention)
    levels += (levels.empty() ? "" : ", ") + std::string(name_of(one));
  refuse_field(field, "one of " + levels + ": what this model has");
}

DecodeSettings stored_settings(const std::string& text, const DecodeOffer& offer) {
  try {
    return read_decode_text(text, offer.limits);
  } catch (const RequestError&) {
    return offer.defaults;
  }
}

Persona stored_persona(const std::string& text) {
  try {
    return read_persona_text(text);
  } catch (const RequestError&) {
    return {};
  }
}

}  // namespace banter::serve
