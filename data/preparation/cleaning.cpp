#include "data/preparation/cleaning.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace banter::data {
namespace {

char small_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, small_ascii, small_ascii);
}

bool is_named(const Turn& turn) { return !turn.speaker.empty() && turn.speaker != "?"; }

/// Code points up to U+07FF only: one or two bytes, and so is the small letter.
char32_t small_letter(char32_t c) {
  const auto within = [&](char32_t low, char32_t high) { return c >= low && c <= high; };
  const auto even_up = [&] { return c % 2 == 0 ? c + 1 : c; };
  const auto odd_up = [&] { return c % 2 == 1 ? c + 1 : c; };
  if (within('A', 'Z')) return c + 0x20;
  if (within(0xC0, 0xDE) && c != 0xD7) return c + 0x20;
  if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149) return c;
  if (within(0x100, 0x137) || within(0x14A, 0x177)) return even_up();
  if (c == 0x178) return 0xFF;
  if (within(0x139, 0x148) || within(0x179, 0x17E)) return odd_up();
  if (c == 0x386) return 0x3AC;
  if (within(0x388, 0x38A)) return c + 0x25;
  if (c == 0x38C) return 0x3CC;
  if (within(0x38E, 0x38F)) return c + 0x3F;
  if (within(0x391, 0x3AB) && c != 0x3A2) return c + 0x20;
  if (within(0x400, 0x40F)) return c + 0x50;
  if (within(0x410, 0x42F)) return c + 0x20;
  if (within(0x460, 0x481) || within(0x48A, 0x4BF) || within(0x4D0, 0x52F)) return even_up();
  if (c == 0x4C0) return 0x4CF;
  if (within(0x4C1, 0x4CE)) return odd_up();
  return c;
}

}  // namespace

void merge_consecutive(Dialogue& dialogue) {
  std::vector<Turn> merged;
  for (auto& turn : dialogue.turns) {
    if (!merged.empty() && is_named(turn) && is_named(merged.back()) &&
        same_name(turn.speaker, merged.back().speaker)) {
      merged.back().text += ' ';
      merged.back().text += turn.text;
    } else {
      merged.push_back(std::move(turn));
    }
  }
  dialogue.turns = std::move(merged);
}

bool is_monologue(const Dialogue& dialogue) {
  return !dialogue.turns.empty() && is_named(dialogue.turns.front()) &&
         std::ranges::all_of(dialogue.turns, [&](const Turn& turn) {
           return turn.speaker == dialogue.turns.front().speaker;
         });
}

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      out += small_ascii(text[i]);
    } else if (lead >= 0xC2 && lead <= 0xDF && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[++i]);
      const char32_t c = small_letter((char32_t{lead} & 0x1F) << 6 | (char32_t{next} & 0x3F));
      out += static_cast<char>(0xC0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3F));
    } else {
      out += text[i];
    }
  }
  return out;
}

void clean(Dialogue& dialogue, const CleaningOptions& options) {
  if (options.merge_consecutive) merge_consecutive(dialogue);
  if (!options.lower_case) return;
  for (auto& turn : dialogue.turns) turn.text = lower_case(turn.text);
  for (auto& [speaker, facts] : dialogue.personas)
    for (auto& fact : facts) fact = lower_case(fact);
}

}  // namespace banter::data
