#include "data/store/corpus_hash.h"

namespace banter::data {

// Every field goes in behind its size, so that no two different records give the same bytes.
void CorpusHash::add_text(std::string_view text) {
  add_count(text.size());
  hash_.add(text);
}

void CorpusHash::add_count(std::uint64_t count) {
  hash_.add({reinterpret_cast<const char*>(&count), sizeof count});
}

void CorpusHash::add_one(const Dialogue& dialogue) {
  add_text(dialogue.id);
  add_text(dialogue.group);
  add_count(dialogue.meta.size());
  for (const auto& [key, value] : dialogue.meta) {
    add_text(key);
    add_text(value);
  }
  add_count(dialogue.personas.size());
  for (const auto& [speaker, facts] : dialogue.personas) {
    add_text(speaker);
    add_count(facts.size());
    for (const auto& fact : facts) add_text(fact);
  }
  add_count(dialogue.turns.size());
  for (const auto& turn : dialogue.turns) {
    add_text(turn.speaker);
    add_text(turn.time);
    add_text(turn.text);
    add_count(turn.distractors.size());
    for (const auto& text : turn.distractors) add_text(text);
  }
}

void CorpusHash::add_one(const Pair& pair) {
  for (const auto* text : {&pair.id, &pair.group, &pair.source, &pair.premise, &pair.hypothesis})
    add_text(*text);
  add_count(static_cast<std::uint64_t>(pair.label));
}

void CorpusHash::add(std::string_view split, const Dialogue& dialogue) {
  add_text("dialogue");
  add_text(split);
  add_one(dialogue);
}

void CorpusHash::add(std::string_view split, const Pair& pair) {
  add_text("pair");
  add_text(split);
  add_one(pair);
}

}  // namespace banter::data
