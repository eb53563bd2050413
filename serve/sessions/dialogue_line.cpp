#include "serve/sessions/dialogue_line.h"

#include <map>

#include "base/utf8.h"
#include "data/dialogue.h"
#include "data/export/json_lines.h"

namespace banter::serve {

std::string dialogue_line(const std::string& id, const std::vector<TurnRow>& turns,
                          const Persona& persona) {
  std::map<std::int64_t, const TurnRow*> latest;  // by turn; versions come in order
  for (const auto& turn : turns)
    if (!base::is_blank(turn.text)) latest[turn.turn] = &turn;
  data::Dialogue dialogue;
  dialogue.id = id;
  if (!persona.facts.empty()) dialogue.personas.emplace_back("bot", persona.facts);
  for (const auto& [number, turn] : latest) {
    dialogue.turns.push_back({.speaker = turn->role == TurnRole::kUser ? "user" : "bot",
                              .text = turn->text,
                              .time = ""});
    if (turn->rating != 0)
      dialogue.meta.emplace_back("rating." + std::to_string(number), std::to_string(turn->rating));
  }
  return data::to_json_line(dialogue);
}

}  // namespace banter::serve
