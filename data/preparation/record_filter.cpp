#include "data/preparation/record_filter.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/random.h"
#include "base/utf8.h"
#include "data/preparation/cleaning.h"

namespace banter::data {
namespace {

std::uint64_t mark_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

/// All texts, so that two dialogues have one key only when they say the same.
std::string text_key(const Dialogue& dialogue) {
  base::Sha256 hash;
  for (const auto& turn : dialogue.turns) {
    const std::uint64_t size = turn.text.size();
    hash.add({reinterpret_cast<const char*>(&size), sizeof size});
    hash.add(turn.text);
  }
  return hash.hex();
}

std::uint64_t text_mark(const Dialogue& dialogue) {
  std::uint64_t mark = dialogue.turns.size();
  for (const auto& turn : dialogue.turns) mark = base::join_keys(mark, mark_of(turn.text));
  return mark;
}

std::uint64_t pair_mark(const Pair& pair) {
  const auto texts = base::join_keys(mark_of(pair.premise), mark_of(pair.hypothesis));
  return base::join_keys(texts, static_cast<std::uint64_t>(pair.label));
}

/// Who says what, as far as it can be told: equal for two copies, other for a mirrored dialogue.
std::uint64_t side_mark(const Dialogue& dialogue) {
  return mark_of(dialogue.turns.front().speaker);
}

}  // namespace

void RecordFilter::record(Record&& record, const Place& place) {
  if (std::visit([&](auto& one) { return keeps(one, place); }, record))
    sink_(std::move(record), place);
}

bool RecordFilter::keeps(Dialogue& dialogue, const Place& place) {
  clean(dialogue, cleaning_);
  const bool is_short = std::ssize(dialogue.turns) < cleaning_.min_turns;
  if (is_short || is_monologue(dialogue)) {
    problems_.add({place, Severity::kNote,
                   is_short ? "a dialogue has too few turns: no reply in it"
                            : "a dialogue has one speaker only: no reply in it",
                   "", 1});
    return false;
  }
  if (dialogue.turns.size() + dialogue.personas.size() > kMaxSpeakers) {
    problems_.add({place, Severity::kSkip,
                   "a dialogue has more turns and personas than speakers are numbered",
                   "at most " + std::to_string(kMaxSpeakers), 1});
    return false;
  }
  if (ids_ != Ids::kNone && repeats_an_id(dialogue.id, text_mark(dialogue), place)) return false;
  if (ids_ == Ids::kNone) tell_copy(dialogue, Severity::kNote, place);
  if (ids_ == Ids::kByName) tell_copy(dialogue, Severity::kCount, place);  // a corpus of versions
  note_silent_personas(dialogue, place);
  return true;
}

bool RecordFilter::keeps(const Pair& pair, const Place& place) {
  if (ids_ != Ids::kNone && repeats_an_id(pair.id, pair_mark(pair), place)) return false;
  tell_copy(pair, place);
  return true;
}

bool RecordFilter::repeats_an_id(const std::string& id, std::uint64_t mark, const Place& place) {
  const auto first = seen_.add(scope_ + "id" + '\0' + id, place.text(), mark);
  if (!first) return false;
  problems_.add(
      {place, Severity::kSkip, "an id stands twice: the first one stays",
       "first at " + first->note + (first->mark == mark ? ", an exact copy" : ", with other text"),
       1});
  return true;
}

void RecordFilter::tell_copy(const Dialogue& dialogue, Severity severity, const Place& place) {
  const auto mark = side_mark(dialogue);
  const auto first = seen_.add(scope_ + "text" + '\0' + text_key(dialogue), place.text(), mark);
  if (!first) return;
  problems_.add({place, severity,
                 first->mark == mark ? "a dialogue is a copy of an earlier one"
                                     : "a dialogue is an earlier one from the other side",
                 "first at " + first->note, 0});
}

/// A copy has the texts and the label of an earlier pair, a conflict the texts and a label that
/// they did not have before: so each further label of two texts is told once.
void RecordFilter::tell_copy(const Pair& pair, const Place& place) {
  const auto label = static_cast<std::uint64_t>(pair.label);
  const auto texts = '\0' + pair.premise + '\0' + pair.hypothesis;
  const auto first = seen_.add(scope_ + "pair" + texts, place.text(), label);
  if (!first) return;
  const bool is_copy =
      first->mark == label ||
      seen_.add(scope_ + "label" + texts + '\0' + std::string(to_text(pair.label)), place.text());
  problems_.add({place, Severity::kNote, is_copy ? "a pair stands twice" : "a pair has two labels",
                 "first at " + first->note, 0});
}

void RecordFilter::note_silent_personas(const Dialogue& dialogue, const Place& place) {
  for (const auto& [speaker, facts] : dialogue.personas)
    if (std::ranges::find(dialogue.turns, speaker, &Turn::speaker) == dialogue.turns.end())
      problems_.add({place, Severity::kNote,
                     "a persona is of a speaker who says nothing: it can never be used",
                     base::printable(speaker), 0});
}

}  // namespace banter::data
