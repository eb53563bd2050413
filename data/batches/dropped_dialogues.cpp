#include "data/batches/dropped_dialogues.h"

#include <optional>
#include <string>

#include "base/random.h"
#include "data/cleaning/unicode_text.h"

namespace banter::data {
namespace {

/// Of its letters and digits; nothing for a text without any.
std::optional<std::uint64_t> key_of_text(std::string_view text) {
  std::string kept;
  append_letters_and_digits(text, kept);
  if (kept.empty()) return {};
  return base::key_of(kept);
}

}  // namespace

void DroppedDialogues::add(const Split& split, const Part& part) {
  const auto dialogues = dialogues_of(split, part);
  for (std::uint64_t d = 0, next = 0; d < split.dialogues(); ++d) {
    const bool is_kept = next < dialogues.size() && dialogues[next] == d;
    if (is_kept) ++next;
    const auto record = split.record(d);
    auto& names = is_kept ? names_.kept : names_.dropped;
    names.insert(base::key_of(record.id));
    if (!record.group.empty()) names.insert(base::key_of(record.group));
    for (const auto& turn : record.turns) add_text(turn.text, is_kept);
    for (const auto& [speaker, facts] : record.personas)
      for (const auto& fact : facts) add_text(fact, is_kept);
  }
}

void DroppedDialogues::add_text(std::string_view text, bool is_kept) {
  if (const auto key = key_of_text(text)) (is_kept ? texts_.kept : texts_.dropped).insert(*key);
}

bool DroppedDialogues::is_dropped_text(std::string_view text) const {
  const auto key = key_of_text(text);
  return key && texts_.are_dropped(*key);
}

bool DroppedDialogues::made(const Pair& pair) const {
  const auto name = base::key_of(pair.group);
  if (!pair.group.empty() && (names_.kept.contains(name) || names_.dropped.contains(name)))
    return names_.are_dropped(name);
  return is_dropped_text(pair.premise) || is_dropped_text(pair.hypothesis);
}

}  // namespace banter::data
