#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace banter::train {

/// How word vectors are trained: word2vec's two models with negative sampling.
struct VectorOptions {
  bool cbow = false;  ///< a word from those around it, instead of those from it (skip-gram)
  std::int32_t dimensions = 100;  ///< numbers of a vector, >= 1
  std::int32_t epochs = 5;        ///< passes over the text, >= 1
  std::int32_t min_count = 5;     ///< words that stand less often get no vector, >= 1
  std::int32_t window = 5;        ///< words on each side at most, >= 1; drawn anew at each word
  std::int32_t negatives = 5;     ///< words that a word is told from, >= 1
  double sample = 1e-4;  ///< words that are a larger share of the text are passed over at times, so
                         ///< that rare ones count more; in (0, 1], 1 = none is
  double lr = 0.05;      ///< learning rate at the start, > 0; falls to 0
  std::int32_t seed = 1;
  std::int32_t threads = 1;  ///< with more than one two trainings differ
};

/// What was made.
struct TrainedVectors {
  std::string text;         ///< the file: `WORDS DIMENSIONS`, then a word with its numbers a line
  std::uint64_t words = 0;  ///< that have a vector
};

/// Trains vectors of the words of a file: white space parts words, and a context ends with its
/// line. Equal files and options give equal bytes with one thread. Words come by falling count.
///
/// `progress` is told the share that is done, on a thread of the training.
/// Throws   DataError when fewer than two words stand often enough; base::Error when the training
///          diverges; Stopped when a signal came; FileError when the file cannot be read
/// Source   Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546, as fastText has them (without
///          parts of words: Bojanowski et al. 2017, arXiv:1607.04606)
TrainedVectors train_vectors(
    const std::filesystem::path& words, const VectorOptions& options,
    const std::function<void(double)>& progress = [](double) {});

}  // namespace banter::train
