#include "data/inspection/statistics.h"

#include <algorithm>
#include <string_view>

#include "base/utf8.h"
#include "data/cleaning/unicode_text.h"

namespace banter::data {

CorpusStatistics::CorpusStatistics(const std::shared_ptr<KeyFile>& keys, std::size_t examples)
    : names_(keys),
      texts_(keys),
      long_texts_(keys),
      dialogues_(keys),
      normal_forms_(keys),
      facts_(keys),
      personas_(keys),
      ids_(keys),
      examples_(examples) {}

void CorpusStatistics::count(const Dialogue& dialogue) {
  const std::uint64_t turns = dialogue.turns.size();
  auto& f = figures_;
  if (f.turns.count() == 0 || turns < f.fewest_turns.value) f.fewest_turns = {turns, dialogue.id};
  if (turns > f.most_turns.value) f.most_turns = {turns, dialogue.id};
  f.turns.add(turns);
  std::uint64_t number = 0;
  for (const auto& turn : dialogue.turns) add_turn(turn, dialogue.id, ++number);
  add_speakers(dialogue);
  add_personas(dialogue);
  add_keys(dialogue);
  examples_.offer(dialogue);
}

void CorpusStatistics::add_turn(const Turn& turn, const std::string& id, std::uint64_t number) {
  auto& f = figures_;
  const auto characters = base::count_code_points(turn.text);
  f.words.add(base::count_words(turn.text));
  f.characters += characters;
  f.bytes += turn.text.size();
  if (characters > f.longest_turn.value) f.longest_turn = {characters, id, number};
  if (!turn.distractors.empty()) ++f.turns_with_distractors;
  f.distractors += turn.distractors.size();
  scripts_.add(turn.text);
  const auto key = key_of(turn.text);
  texts_.add(key);
  if (characters >= kLongTurn) long_texts_.add(key);
}

void CorpusStatistics::add_speakers(const Dialogue& dialogue) {
  std::vector<std::string_view> names;
  const Turn* last = nullptr;
  for (const auto& turn : dialogue.turns) {
    if (last == nullptr || last->speaker != turn.speaker) {
      ++figures_.joined_turns;
      if (std::ranges::find(names, turn.speaker) == names.end()) names.push_back(turn.speaker);
    }
    figures_.unknown_speakers = figures_.unknown_speakers || turn.speaker == "?";
    last = &turn;
  }
  figures_.speakers.add(names.size());
  for (const auto name : names) names_.add(name);
}

void CorpusStatistics::add_personas(const Dialogue& dialogue) {
  if (!dialogue.personas.empty()) ++figures_.personas.dialogues;
  for (const auto& [speaker, facts] : dialogue.personas) {
    key_text_.clear();
    for (const auto& fact : facts) {
      figures_.personas.characters += base::count_code_points(fact);
      facts_.add(fact);
      key_text_.append(fact).push_back('\0');
    }
    personas_.add(key_text_);
  }
}

void CorpusStatistics::add_keys(const Dialogue& dialogue) {
  ids_.add(dialogue.id);
  key_text_.clear();
  for (const auto& turn : dialogue.turns) key_text_.append(turn.text).push_back('\0');
  const auto exact = key_of(key_text_);
  dialogues_.add(exact);
  key_text_.clear();
  for (const auto& turn : dialogue.turns) append_letters_and_digits(turn.text, key_text_);
  normal_forms_.add(key_text_.empty() ? exact : key_of(key_text_));
}

CorpusFigures CorpusStatistics::figures() {
  auto figures = figures_;
  figures.names = names_.counts();
  figures.texts = texts_.counts();
  figures.dialogues = dialogues_.counts();
  figures.normal_forms = normal_forms_.counts();
  figures.near_duplicates = near_duplicates_.counts();
  figures.non_ascii_characters = scripts_.non_ascii_characters();
  figures.non_ascii_turns = scripts_.non_ascii_texts();
  figures.scripts = scripts_.rows();
  figures.personas.facts = facts_.counts();
  figures.personas.personas = personas_.counts();
  figures.examples = examples_.examples();
  return figures;
}

void CorpusStatistics::rest() {
  for (auto* counter :
       {&names_, &texts_, &long_texts_, &dialogues_, &normal_forms_, &facts_, &personas_, &ids_})
    counter->keys().spill();
}

}  // namespace banter::data
