#include "train/vectors/training.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>

#include <fasttext/fasttext.h>

#include "base/errors.h"
#include "base/signals.h"
#include "base/utf8.h"

namespace banter::train {
namespace {

fasttext::Args arguments(const std::filesystem::path& words, const VectorOptions& options) {
  fasttext::Args args;
  args.input = words.string();
  args.model = options.cbow ? fasttext::model_name::cbow : fasttext::model_name::sg;
  args.loss = fasttext::loss_name::ns;
  args.dim = options.dimensions;
  args.epoch = options.epochs;
  args.minCount = options.min_count;
  args.ws = options.window;
  args.neg = options.negatives;
  args.t = options.sample;
  args.lr = options.lr;
  args.seed = options.seed;
  args.thread = options.threads;
  args.minn = args.maxn = args.bucket = 0;  // whole words only
  args.label = "\n";                        // a word never begins with it: there are no labels
  args.verbose = 0;                         // prints nothing
  return args;
}

/// How many words get a vector: what is too rare, or no word but the end of a line, does not.
/// Throws   FileError
std::int32_t count_known(const fasttext::Args& args) {
  std::ifstream file(args.input);
  if (!file)
    throw base::FileError(base::printable(args.input, 1000) + ": cannot be opened for reading");
  fasttext::Dictionary dictionary(std::make_shared<fasttext::Args>(args));
  try {
    dictionary.readFromFile(file);
  } catch (const std::invalid_argument&) {  // not even the end of a line stands often enough
    return 0;
  }
  return dictionary.nwords() - (dictionary.getId(fasttext::Dictionary::EOS) >= 0 ? 1 : 0);
}

void append_number(std::string& text, float number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  text.append(digits.begin(), end);
}

TrainedVectors to_text(const fasttext::FastText& model) {
  const auto dictionary = model.getDictionary();
  fasttext::Vector vector(model.getDimension());
  TrainedVectors trained;
  std::string lines;
  for (std::int32_t i = 0; i < dictionary->nwords(); ++i) {
    const auto word = dictionary->getWord(i);
    if (word == fasttext::Dictionary::EOS) continue;  // how it reads the end of a line
    model.getWordVector(vector, word);
    lines += word;
    for (const float number : std::span(vector.data(), static_cast<std::size_t>(vector.size())))
      append_number(lines += ' ', number);
    lines += '\n';
    ++trained.words;
  }
  trained.text = std::to_string(trained.words) + " " + std::to_string(model.getDimension()) + "\n";
  trained.text += lines;
  return trained;
}

}  // namespace

TrainedVectors train_vectors(const std::filesystem::path& words, const VectorOptions& options,
                             const std::function<void(double)>& progress) {
  const auto args = arguments(words, options);
  if (count_known(args) < 2)  // a word is told from others: with one alone there is no end
    throw base::DataError("fewer than two words stand " + std::to_string(options.min_count) +
                          " times or more; give more text or a smaller --min-count");
  fasttext::FastText model;
  try {
    model.train(args, [&](float share, float, double, double, std::int64_t) {
      if (base::stop_signal() != 0) model.abort();  // nothing may be thrown on its thread
      progress(std::min(1.0, static_cast<double>(share)));
    });
  } catch (const fasttext::FastText::AbortError&) {
    throw base::Stopped(base::stop_signal());
  } catch (const fasttext::DenseMatrix::EncounteredNaNError&) {
    throw base::Error("the training of word vectors diverged; give a smaller --lr");
  } catch (const std::invalid_argument& error) {
    throw base::Error("fastText: " + base::printable(error.what(), 1000));
  }
  return to_text(model);
}

}  // namespace banter::train
