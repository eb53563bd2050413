#include "train/metrics/texts/f1.h"

#include <algorithm>

#include <unicode/uchar.h>

#include "data/cleaning/unicode_text.h"
#include "train/metrics/texts/characters.h"

namespace banter::train {
namespace {

constexpr std::string_view kPunctuation = "!\"#$%&()*+,-./:;<=>?@[\\]^`{|}~_'";

/// What a word in the sense of regular expressions is made of: letters and numbers.
bool is_of_word(char32_t c) {
  const auto kinds = U_GC_L_MASK | U_GC_N_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & kinds) != 0;
}

bool is_article(std::string_view word) { return word == "a" || word == "an" || word == "the"; }

/// Every run of letters and numbers that is an article becomes a space.
std::string without_articles(std::string_view text) {
  std::string out;
  std::string_view run(text.data(), 0);
  const auto end_run = [&] {
    if (is_article(run))
      out += ' ';
    else
      out += run;
  };
  for (auto rest = text; !rest.empty();) {
    const char* const here = rest.data();
    const bool is_inside = is_of_word(take_character(rest));
    if (is_inside) {
      run = {run.data(), rest.data()};
    } else {
      end_run();
      out.append(here, rest.data());
      run = {rest.data(), 0};
    }
  }
  end_run();
  return out;
}

bool is_punctuation(std::string_view character) {
  return (U_GET_GC_MASK(static_cast<UChar32>(take_character(character))) & U_GC_P_MASK) != 0;
}

std::vector<std::string> sorted_words(std::string_view text, Tokenize tokenize) {
  auto words = f1_words(text, tokenize);
  std::ranges::sort(words);
  return words;
}

}  // namespace

std::vector<std::string> f1_words(std::string_view text, Tokenize tokenize) {
  std::string small(text);
  data::make_small(small);
  for (char& c : small)
    if (kPunctuation.find(c) != std::string_view::npos) c = ' ';
  const auto text_of_words = without_articles(small);
  if (tokenize == Tokenize::kCharacters) {
    auto characters = single_characters(text_of_words);
    std::erase_if(characters, is_punctuation);
    return characters;
  }
  std::vector<std::string> words;
  for_each_piece(text_of_words, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

double f1(std::string_view reply, std::string_view reference, Tokenize tokenize) {
  const auto said = sorted_words(reply, tokenize), wanted = sorted_words(reference, tokenize);
  std::vector<std::string> common;
  std::ranges::set_intersection(said, wanted, std::back_inserter(common));
  if (common.empty()) return 0;
  return 2 * static_cast<double>(common.size()) / static_cast<double>(said.size() + wanted.size());
}

}  // namespace banter::train
