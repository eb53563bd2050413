#include "data/cleaning/contractions.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace banter::data {
namespace {

struct Ending {
  std::string_view ending, written_out;
};

constexpr std::array kEndings = {Ending{"n't", " not"}, Ending{"'ve", " have"},
                                 Ending{"'re", " are"}, Ending{"'ll", " will"},
                                 Ending{"'m", " am"},   Ending{"'d", " would"}};
/// Whole words, without their first letters, which keep their case.
constexpr std::array kIrregular = {Ending{"an't", "an not"}, Ending{"on't", "ill not"},
                                   Ending{"han't", "hall not"}, Ending{"et's", "et us"}};
constexpr std::array<std::string_view, kIrregular.size()> kFirstLetters = {"c", "w", "s", "l"};

/// Before 's that is "is".
constexpr std::array<std::string_view, 11> kSubjects = {
    "it", "that", "he", "she", "what", "there", "here", "who", "where", "how", "this"};

constexpr std::string_view kQuotationMark = "\xE2\x80\x99";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool ends_with(std::string_view word, std::string_view ending) {
  return word.size() >= ending.size() &&
         base::equal_but_for_case(word.substr(word.size() - ending.size()), ending);
}

std::optional<std::string> irregular(std::string_view word) {
  for (std::size_t i = 0; i < kIrregular.size(); ++i)
    if (word.size() == kIrregular.at(i).ending.size() + 1 &&
        ends_with(word, kIrregular.at(i).ending) &&
        base::equal_but_for_case(word.substr(0, 1), kFirstLetters.at(i)))
      return std::string(word.substr(0, 1)).append(kIrregular.at(i).written_out);
  return std::nullopt;
}

/// A word of letters and apostrophes, written out.
std::string expanded(std::string_view word) {
  if (word.find('\'') == std::string_view::npos || base::equal_but_for_case(word, "ain't"))
    return std::string(word);
  if (auto whole = irregular(word)) return *whole;
  for (const auto& [ending, written_out] : kEndings)
    if (word.size() > ending.size() && ends_with(word, ending))
      return expanded(word.substr(0, word.size() - ending.size())).append(written_out);
  const auto stem = word.substr(0, word.size() - std::min<std::size_t>(word.size(), 2));
  if (ends_with(word, "'s") && std::ranges::any_of(kSubjects, [&](std::string_view subject) {
        return base::equal_but_for_case(stem, subject);
      }))
    return std::string(stem).append(" is");
  return std::string(word);
}

}  // namespace

bool expand_contractions(std::string& text) {
  std::string out, word;
  const auto end_word = [&](std::string_view original) {
    const auto written = expanded(word);
    out += written == word ? original : std::string_view(written);
    word.clear();
  };
  std::size_t begin = 0, at = 0;
  while (at < text.size()) {
    const auto rest = std::string_view(text).substr(at);
    const bool is_mark = rest.starts_with(kQuotationMark);
    if (is_letter(text[at]) || text[at] == '\'' || is_mark) {
      word += is_mark ? '\'' : text[at];
      at += is_mark ? kQuotationMark.size() : 1;
      continue;
    }
    end_word(std::string_view(text).substr(begin, at - begin));
    out += text[at++];
    begin = at;
  }
  end_word(std::string_view(text).substr(begin));
  if (out == text) return false;
  text = std::move(out);
  return true;
}

}  // namespace banter::data
