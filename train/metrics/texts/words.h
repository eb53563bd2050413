#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace banter::train {

/// What the metrics take for the words of a text.
enum class Tokenize {
  k13a,         ///< see `words_13a`
  kCharacters,  ///< every code point but white space: for texts without spaces between words
};
inline constexpr std::array<const char*, 2> kTokenizers = {"13a",
                                                           "char"};  ///< by number, as sacrebleu's

/// The tokenizer of one of these names.
constexpr Tokenize tokenize_named(std::string_view name) {
  return name == kTokenizers.back() ? Tokenize::kCharacters : Tokenize::k13a;
}

/// The words of a text, case kept; valid UTF-8.
/// Source   sacrebleu's tokenizers `13a` and `char` (Post 2018, arXiv:1804.08771)
std::vector<std::string> words_of(std::string_view text, Tokenize tokenize);

/// The same in small letters, by Unicode's simple rules.
std::vector<std::string> small_words(std::string_view text, Tokenize tokenize = Tokenize::k13a);

}  // namespace banter::train
