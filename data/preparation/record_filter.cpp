#include "data/preparation/record_filter.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/random.h"
#include "base/utf8.h"

namespace banter::data {
namespace {

std::uint64_t mark_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

std::uint64_t text_mark(const Dialogue& dialogue) {
  std::uint64_t mark = dialogue.turns.size();
  for (const auto& turn : dialogue.turns) mark = base::join_keys(mark, mark_of(turn.text));
  return mark;
}

std::uint64_t pair_mark(const Pair& pair) {
  const auto texts = base::join_keys(mark_of(pair.premise), mark_of(pair.hypothesis));
  return base::join_keys(texts, static_cast<std::uint64_t>(pair.label));
}

}  // namespace

void RecordFilter::record(Record&& record, const Place& place) {
  std::visit([&](auto& one) { take(std::move(one), place); }, record);
}

void RecordFilter::take(Dialogue&& dialogue, const Place& place) {
  const auto id = dialogue.id;
  auto parts = cleaner_.clean(std::move(dialogue), place);
  std::erase_if(parts, [&](const Dialogue& part) { return !has_reply(part, place); });
  if (parts.empty()) return;
  std::uint64_t mark = parts.size();
  for (const auto& part : parts) mark = base::join_keys(mark, text_mark(part));
  if (repeats_an_id(id, mark, place)) return;
  for (auto& part : parts) {
    if (part.id != id && repeats_an_id(part.id, mark, place)) continue;
    if (is_unwanted_copy(part, place)) continue;
    note_silent_personas(part, place);
    sink_(std::move(part), place);
  }
}

void RecordFilter::take(Pair&& pair, const Place& place) {
  if (!cleaner_.clean(pair, place)) return;
  if (repeats_an_id(pair.id, pair_mark(pair), place)) return;
  if (!is_unwanted_copy(pair, place)) sink_(std::move(pair), place);
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
  const auto first = seen_.add(scope_ + "id" + '\0' + id, place.text(), mark);
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
  const auto copy = copies.find(dialogue, place.text());
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
    if (const auto copy = duplicates_->find(pair, place.text())) {
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
