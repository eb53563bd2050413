#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace banter::train {

/// The words of a text for metrics, case kept: punctuation stands alone, but for points and commas
/// within numbers and for apostrophes and hyphens within words.
///
/// `text` must be valid UTF-8.
/// Source   NIST's mteval-v13a.pl, as sacrebleu's tokenizer `13a` reads it (Post 2018,
///          arXiv:1804.08771)
std::vector<std::string> words_13a(std::string_view text);

}  // namespace banter::train
