#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "train/metrics/texts/words.h"

namespace banter::train {

/// The words that F1 compares: small letters, without ASCII punctuation and without the articles a,
/// an and the. `text` must be valid UTF-8. With kCharacters the characters of these words without
/// any punctuation that Unicode knows, as no space stands before it there.
/// Source   the normalisation of ParlAI's metrics, after that of SQuAD (Rajpurkar et al. 2016,
///          arXiv:1606.05250)
std::vector<std::string> f1_words(std::string_view text, Tokenize tokenize = Tokenize::k13a);

/// The harmonic mean of precision and recall of a reply's words, each counted as often as it
/// occurs; 0 where no word is common, also where both have none.
double f1(std::string_view reply, std::string_view reference, Tokenize tokenize = Tokenize::k13a);

}  // namespace banter::train
