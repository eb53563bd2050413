#include "train/metrics/texts/used_vectors.h"

#include <ostream>
#include <unordered_set>
#include <utility>

#include "train/metrics/texts/scores.h"

namespace banter::train {

void Coverage::add(std::string_view text, Tokenize tokenize, const WordVectors& vectors) {
  for (const auto& word : small_words(text, tokenize)) {
    ++words;
    if (!vectors.find(word).empty()) ++known;
  }
}

double Coverage::share() const {
  return words == 0 ? 0 : static_cast<double>(known) / static_cast<double>(words);
}

UsedVectors::UsedVectors(const std::filesystem::path& path,
                         const std::vector<std::span<const Sample>>& systems,
                         std::span<const Sample> others, Tokenize tokenize)
    : file(path) {
  std::unordered_set<std::string> wanted;
  const auto want = [&](std::string_view text) {
    for (auto& word : small_words(text, tokenize)) wanted.insert(std::move(word));
  };
  for (const auto& samples : systems)
    for (const auto& sample : samples) {
      want(sample.reply);
      for (const auto& reference : sample.references) want(reference);
    }
  for (const auto& sample : others) want(sample.reply);
  vectors = WordVectors::read(path, wanted);
  for (const auto& samples : systems)
    for (const auto& sample : samples) {
      replies.add(sample.reply, tokenize, vectors);
      for (const auto& reference : sample.references) references.add(reference, tokenize, vectors);
    }
}

base::json::object UsedVectors::to_json() const {
  return {{"file", file.string()},
          {"hash", vectors.hash()},
          {"dimensions", vectors.dimensions()},
          {"words", vectors.words_of_file()},
          {"coverage", {{"replies", replies.share()}, {"references", references.share()}}}};
}

void UsedVectors::print(std::ostream& out) const {
  out << "words with a vector: " << fixed(100 * replies.share(), 1) << " % of the replies, "
      << fixed(100 * references.share(), 1) << " % of the references\n";
}

}  // namespace banter::train
