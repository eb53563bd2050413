#include "data/reading/record_filter.h"

#include <algorithm>
#include <span>
#include <utility>

#include <xxhash.h>

#include "base/random.h"
#include "base/utf8.h"
#include "data/cleaning/cleaning.h"

namespace banter::data {
namespace {

std::uint64_t mark_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

/// Of all texts of what became of a dialogue.
std::uint64_t mark_of(std::span<const Dialogue> parts) {
  std::uint64_t mark = parts.size();
  for (const auto& part : parts) {
    mark = base::join_keys(mark, part.turns.size());
    for (const auto& turn : part.turns) mark = base::join_keys(mark, mark_of(turn.text));
  }
  return mark;
}

std::uint64_t mark_of(const Pair& pair) {
  const auto texts = base::join_keys(mark_of(pair.premise), mark_of(pair.hypothesis));
  return base::join_keys(texts, static_cast<std::uint64_t>(pair.label));
}

}  // namespace

void RecordFilter::record(FoundRecord&& found) {
  const auto& place = found.place;
  if (!found.further_parts.empty()) {
    auto parts = std::move(found.further_parts);
    parts.insert(parts.begin(), std::get<Dialogue>(std::move(found.record)));
    return run(std::move(parts), place);
  }
  if (std::visit([&](const auto& record) { return keeps(record, place); }, found.record))
    sink_(std::move(found.record), place);
}

bool RecordFilter::keeps(const Dialogue& dialogue, const Place& place) {
  if (!has_reply(dialogue, place)) return false;
  const auto mark = ids_ == Ids::kNone ? 0 : mark_of({&dialogue, 1});
  return !repeats_an_id(dialogue.id, mark, place) && is_wanted(dialogue, place);
}

bool RecordFilter::keeps(const Pair& pair, const Place& place) {
  return !repeats_an_id(pair.id, mark_of(pair), place) && !is_unwanted_copy(pair, place);
}

/// Gives to the sink what is left of a run that was cut. The first part has the run's id.
void RecordFilter::run(std::vector<Dialogue> parts, const Place& place) {
  const auto id = parts.front().id;
  std::erase_if(parts, [&](const Dialogue& part) { return !has_reply(part, place); });
  if (parts.empty()) return;
  const auto mark = mark_of(parts);
  if (repeats_an_id(id, mark, place)) return;
  for (auto& part : parts) {
    if (part.id != id && repeats_an_id(part.id, mark, place)) continue;
    if (is_wanted(part, place)) sink_(std::move(part), place);
  }
}

bool RecordFilter::is_wanted(const Dialogue& dialogue, const Place& place) {
  if (is_unwanted_copy(dialogue, place)) return false;
  note_silent_personas(dialogue, place);
  return true;
}

bool RecordFilter::has_reply(const Dialogue& dialogue, const Place& place) {
  const bool is_short = dialogue.turns.size() < 2;
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
  return true;
}

bool RecordFilter::repeats_an_id(const std::string& id, std::uint64_t mark, const Place& place) {
  if (ids_ == Ids::kNone) return false;
  const auto first = seen_.add(scope_ + "id" + '\0' + id, text_of(place), mark);
  if (!first) return false;
  problems_.add(
      {place, Severity::kSkip, "an id stands twice: the first one stays",
       "first at " + first->note + (first->mark == mark ? ", an exact copy" : ", with other text"),
       1});
  return true;
}

bool RecordFilter::is_unwanted_copy(const Dialogue& dialogue, const Place& place) {
  if (duplicates_ == nullptr && ids_ != Ids::kNone && ids_ != Ids::kByName) return false;
  auto& copies = duplicates_ != nullptr ? *duplicates_ : copies_;
  const auto copy = copies.find(dialogue, text_of(place));
  if (!copy) return false;
  const auto detail = "first at " + copy->first;
  if (copy->is_mirrored)
    problems_.add(
        {place, Severity::kNote, "a dialogue is an earlier one from the other side", detail, 0});
  else if (duplicates_ == nullptr)  // versions of one film are to be expected
    problems_.add({place, ids_ == Ids::kByName ? Severity::kCount : Severity::kNote,
                   "a dialogue is a copy of an earlier one", detail, 0});
  else
    problems_.add({place, Severity::kCount,
                   "a dialogue is a copy of an earlier one: it is left out", detail, 1});
  return duplicates_ != nullptr && !copy->is_mirrored;
}

bool RecordFilter::is_unwanted_copy(const Pair& pair, const Place& place) {
  if (duplicates_ != nullptr)
    if (const auto copy = duplicates_->find(pair, text_of(place))) {
      problems_.add({place, Severity::kCount, "a pair is a copy of an earlier one: it is left out",
                     "first at " + copy->first, 1});
      return true;
    }
  tell_copy(pair, place);
  return false;
}

/// A copy has the texts and the label of an earlier pair, a conflict the texts and a label that
/// they did not have before: so each further label of two texts is told once.
void RecordFilter::tell_copy(const Pair& pair, const Place& place) {
  const auto label = static_cast<std::uint64_t>(pair.label);
  const auto texts = '\0' + pair.premise + '\0' + pair.hypothesis;
  const auto first = seen_.add(scope_ + "pair" + texts, text_of(place), label);
  if (!first) return;
  const bool is_copy =
      first->mark == label ||
      seen_.add(scope_ + "label" + texts + '\0' + std::string(to_text(pair.label)), text_of(place));
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
