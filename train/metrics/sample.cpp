#include "train/metrics/sample.h"

#include "data/cleaning/unicode_text.h"
#include "train/metrics/words_13a.h"

namespace banter::train {
namespace {

Text read(std::string_view text, Vocabulary& vocabulary) {
  Text read{.text = text, .words = {}, .small = {}};
  for (const auto& word : words_13a(text)) {
    read.words.push_back(vocabulary.add(word));
    const auto small = data::lower_case(word);
    read.small.push_back(small ? vocabulary.add(*small) : read.words.back());
  }
  return read;
}

}  // namespace

ReadSample::ReadSample(const Sample& sample) : reply(read(sample.reply, vocabulary)) {
  for (const auto& text : sample.references) references.push_back(read(text, vocabulary));
  for (const auto& text : sample.context) context.push_back(read(text, vocabulary));
}

std::vector<std::string> small_words(std::string_view text) {
  auto words = words_13a(text);
  for (auto& word : words)
    if (auto small = data::lower_case(word)) word = std::move(*small);
  return words;
}

}  // namespace banter::train
