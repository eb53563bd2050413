#include "train/metrics/sample.h"

#include "data/cleaning/unicode_text.h"
#include "train/metrics/words_13a.h"

namespace banter::train {
namespace {

Text read(std::string_view text, Vocabulary& vocabulary) {
  Text read{.text = text, .words = {}, .small = {}};
  for (auto& word : words_13a(text)) {
    read.words.push_back(vocabulary.add(word));
    read.small.push_back(data::make_small(word) ? vocabulary.add(word) : read.words.back());
  }
  return read;
}

}  // namespace

ReadSample::ReadSample(const Sample& sample)
    : reply(read(sample.reply, vocabulary)), judgements(sample.judgements) {
  for (const auto& text : sample.references) references.push_back(read(text, vocabulary));
  for (const auto& text : sample.context) context.push_back(read(text, vocabulary));
}

std::vector<std::string> small_words(std::string_view text) {
  auto words = words_13a(text);
  for (auto& word : words) data::make_small(word);
  return words;
}

}  // namespace banter::train
