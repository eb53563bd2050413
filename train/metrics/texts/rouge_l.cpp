#include "train/metrics/texts/rouge_l.h"

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/cleaning/unicode_text.h"
#include "train/metrics/texts/vocabulary.h"

namespace banter::train {
namespace {

std::vector<std::string> latin_words(std::string_view text) {
  std::string small(text);
  data::make_small(small);
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : small) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_letter && !inside) words.emplace_back();
    if (is_letter) words.back() += c;
    inside = is_letter;
  }
  return words;
}

bool is_latin(std::string_view text) {
  static const auto latin = data::script_named("Latin");
  return std::ranges::all_of(data::letters_by_script(text), [](const data::ScriptLetters& letters) {
    return letters.script == *latin;
  });
}

}  // namespace

std::size_t common_length(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
  if (a.size() > b.size()) std::swap(a, b);
  std::unordered_map<std::uint32_t, std::vector<std::size_t>> places;  // of a's symbols
  for (std::size_t i = 0; i < a.size(); ++i) places[a[i]].push_back(i);
  const auto bit = [](std::size_t i) { return std::uint64_t{1} << (i % 64); };
  const auto cells = (a.size() + 63) / 64;
  std::vector<std::uint64_t> equal(cells);                   // bit i: a[i] is the symbol
  std::vector<std::uint64_t> row(cells, ~std::uint64_t{0});  // 0 at bit i: a[i] made it longer
  for (const auto symbol : b) {
    const auto found = places.find(symbol);
    if (found == places.end()) continue;
    for (const auto i : found->second) equal[i / 64] |= bit(i);
    std::uint64_t carry = 0;
    for (std::size_t c = 0; c < cells; ++c) {
      const auto both = row[c] & equal[c], sum = row[c] + both, whole = sum + carry;
      carry = static_cast<std::uint64_t>(sum < both) | static_cast<std::uint64_t>(whole < sum);
      row[c] = whole | (row[c] & ~equal[c]);
    }
    for (const auto i : found->second) equal[i / 64] = 0;
  }
  std::size_t length = 0;
  for (const auto bits : row) length += static_cast<std::size_t>(std::popcount(~bits));
  return length;
}

double rouge_l(std::string_view reply, std::string_view reference, Tokenize tokenize) {
  const bool has_latin_words = tokenize == Tokenize::k13a && is_latin(reference);
  Vocabulary vocabulary;
  const auto ids_of = [&](std::string_view text) {
    std::vector<WordId> ids;
    for (const auto& word : has_latin_words ? latin_words(text) : small_words(text, tokenize))
      ids.push_back(vocabulary.add(word));
    return ids;
  };
  const auto said = ids_of(reply), wanted = ids_of(reference);
  if (said.empty() || wanted.empty()) return 0;
  return 2 * static_cast<double>(common_length(said, wanted)) /
         static_cast<double>(said.size() + wanted.size());
}

}  // namespace banter::train
