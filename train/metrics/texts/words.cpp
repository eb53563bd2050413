#include "train/metrics/texts/words.h"

#include "data/cleaning/unicode_text.h"
#include "train/metrics/texts/characters.h"
#include "train/metrics/texts/words_13a.h"

namespace banter::train {

std::vector<std::string> words_of(std::string_view text, Tokenize tokenize) {
  return tokenize == Tokenize::k13a ? words_13a(text) : single_characters(text);
}

std::vector<std::string> small_words(std::string_view text, Tokenize tokenize) {
  auto words = words_of(text, tokenize);
  for (auto& word : words) data::make_small(word);
  return words;
}

}  // namespace banter::train
