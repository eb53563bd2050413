#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace banter::train {

/// The words that F1 compares: small letters, without ASCII punctuation and without the articles a,
/// an and the. `text` must be valid UTF-8.
/// Source   the normalisation of ParlAI's metrics, after that of SQuAD (Rajpurkar et al. 2016,
///          arXiv:1606.05250)
std::vector<std::string> f1_words(std::string_view text);

/// The harmonic mean of precision and recall of a reply's words, each counted as often as it
/// occurs; 0 where no word is common, also where both have none.
double f1(std::string_view reply, std::string_view reference);

}  // namespace banter::train
