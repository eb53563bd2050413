#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/errors.h"
#include "data/input/lines.h"
#include "train/metrics/texts/word_vectors.h"

namespace {

using banter::train::WordVectors;

void must(bool holds) {
  if (!holds) std::abort();
}

/// What stands first in each line, and all words of a first line.
std::unordered_set<std::string> words_of(std::string_view text) {
  std::unordered_set<std::string> words;
  while (!text.empty()) {
    auto line = banter::data::take_line(text);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    words.emplace(line.substr(0, line.find_first_of(" \t")));
  }
  return words;
}

std::string text_of(std::span<const float> vector) {
  std::string text;
  for (const float number : vector) {
    char digits[64];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), number).ptr;
    (text += ' ').append(digits, end);
  }
  return text;
}

/// Vectors that were read, written with the line above them, are read back to equal numbers.
void check_round_trip(const WordVectors& vectors, const std::unordered_set<std::string>& words) {
  std::string text =
      std::to_string(vectors.words()) + " " + std::to_string(vectors.dimensions()) + "\n";
  for (const auto& word : words)
    if (const auto vector = vectors.find(word); !vector.empty())
      text += word + text_of(vector) + "\n";
  const auto again = WordVectors::from_text(text, "again", words);
  must(again.words() == vectors.words() && again.dimensions() == vectors.dimensions());
  for (const auto& word : words) {
    const auto a = vectors.find(word), b = again.find(word);
    must(std::ranges::equal(a, b));
  }
}

}  // namespace

/// Any bytes are vectors of one width with finite numbers, or a DataError of one line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto words = words_of(text);
  try {
    const auto vectors = WordVectors::from_text(text, "fuzz", words);
    must(vectors.dimensions() > 0 && vectors.words() <= vectors.words_of_file());
    std::size_t found = 0;
    for (const auto& word : words) {
      const auto vector = vectors.find(word);
      must(vector.empty() || vector.size() == vectors.dimensions());
      for (const float number : vector) must(std::isfinite(number));
      found += vector.empty() ? 0 : 1;
    }
    must(found == vectors.words());
    if (found > 0) check_round_trip(vectors, words);
  } catch (const banter::base::DataError& error) {
    const std::string_view what = error.what();
    must(what.starts_with("fuzz:") && what.find('\n') == std::string_view::npos);
  }
  return 0;
}
