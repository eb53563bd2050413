#include "data/cleaning/copies.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include <xxhash.h>

#include "base/random.h"
#include "data/cleaning/unicode_text.h"

namespace banter::data {
namespace {

/// A digest that two lists of texts share only when they are alike.
/// Source   XXH3, 128 bits: see Key in inspection/keys/key.h for how rarely two share one
std::string digest(std::span<const std::string_view> texts, Likeness likeness) {
  std::string kept;
  if (likeness == Likeness::kNormalised)
    for (const auto text : texts) append_letters_and_digits(text, kept);
  const char kind = kept.empty() ? 'e' : 'n';
  if (kept.empty())
    for (const auto text : texts) {
      const std::uint64_t size = text.size();
      kept.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
    }
  const auto hash = XXH3_128bits(kept.data(), kept.size());
  return kind + std::string(reinterpret_cast<const char*>(&hash), sizeof hash);
}

/// Who speaks and who begins, each as a half of the mark.
std::uint64_t sides_of(const Dialogue& dialogue) {
  std::vector<std::string_view> speakers;
  speakers.reserve(dialogue.turns.size());
  for (const auto& turn : dialogue.turns) speakers.push_back(turn.speaker);
  std::ranges::sort(speakers);
  speakers.erase(std::unique(speakers.begin(), speakers.end()), speakers.end());
  std::uint64_t all = 0;
  for (const auto name : speakers) all = base::join_keys(all, base::key_of(name));
  const auto first = base::mix64(base::key_of(dialogue.turns.front().speaker));
  return (all & 0xFFFFFFFF00000000ULL) | (first >> 32U);
}

bool are_mirrored(std::uint64_t sides, std::uint64_t others) {
  return sides >> 32U == others >> 32U && sides != others;
}

}  // namespace

Copies::Copies(SeenKeys& seen, std::string scope, Likeness likeness)
    : seen_(seen), scope_(std::move(scope)), likeness_(likeness) {}

std::optional<Copy> Copies::find(const Dialogue& dialogue, std::string_view place) {
  std::vector<std::string_view> texts;
  texts.reserve(dialogue.turns.size());
  for (const auto& turn : dialogue.turns) texts.push_back(turn.text);
  const auto key = scope_ + digest(texts, likeness_);
  const auto sides = sides_of(dialogue);
  const auto first = seen_.add(key, place, sides);
  if (!first) return std::nullopt;
  if (!are_mirrored(sides, first->mark)) return Copy{first->note, false};
  // Only the first time is it the other side; then it is a copy of that.
  const auto same_side = seen_.add(key + '\0' + dialogue.turns.front().speaker, place, sides);
  return same_side ? Copy{same_side->note, false} : Copy{first->note, true};
}

std::optional<Copy> Copies::find(const Pair& pair, std::string_view place) {
  auto key = scope_ + std::string(to_text(pair.label)) + '\0';
  for (const std::string* text : {&pair.premise, &pair.hypothesis}) {
    const std::string_view texts[] = {*text};
    key += digest(texts, likeness_);
  }
  const auto first = seen_.add(key, place);
  return first ? std::optional(Copy{first->note, false}) : std::nullopt;
}

}  // namespace banter::data
