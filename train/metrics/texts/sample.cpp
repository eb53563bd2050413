#include "train/metrics/texts/sample.h"

#include "data/cleaning/unicode_text.h"

namespace banter::train {
namespace {

Text read(std::string_view text, Tokenize tokenize, Vocabulary& vocabulary) {
  Text read{.text = text, .words = {}, .small = {}};
  for (auto& word : words_of(text, tokenize)) {
    read.words.push_back(vocabulary.add(word));
    read.small.push_back(data::make_small(word) ? vocabulary.add(word) : read.words.back());
  }
  return read;
}

}  // namespace

ReadSample::ReadSample(const Sample& sample, Tokenize tokenize)
    : reply(read(sample.reply, tokenize, vocabulary)), judgements(sample.judgements) {
  for (const auto& text : sample.references) references.push_back(read(text, tokenize, vocabulary));
  for (const auto& text : sample.context) context.push_back(read(text, tokenize, vocabulary));
}

}  // namespace banter::train
