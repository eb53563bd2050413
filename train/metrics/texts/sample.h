#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/pair.h"
#include "train/metrics/texts/vocabulary.h"
#include "train/metrics/texts/words.h"

namespace banter::train {

/// A reply with what it is compared with. All texts are valid UTF-8.
struct Sample {
  std::string reply{};
  std::vector<std::string> references{};  ///< not blank; none where the metrics need none
  std::vector<std::string> context{};     ///< turns, the oldest first
  std::uint64_t group = 0;  ///< replies of one dialogue depend on each other: the same number
  std::vector<std::string> persona{};  ///< sentences about who replies
  /// How the reply stands to each of them; empty where no classifier was asked.
  std::vector<data::Label> judgements{};
  std::string judge{};  ///< the classifier that was, as signatures have it
};

/// A text in the words of the metrics, as numbers of one vocabulary.
struct Text {
  std::string_view text;
  std::vector<WordId> words;  ///< case kept
  std::vector<WordId> small;  ///< in small letters
};

/// A sample as every metric reads it, made once for all of them.
struct ReadSample {
  explicit ReadSample(const Sample& sample, Tokenize tokenize = Tokenize::k13a);

  Vocabulary vocabulary;
  Text reply;
  std::vector<Text> references;
  std::vector<Text> context;
  std::span<const data::Label> judgements;  ///< the sample's
};

}  // namespace banter::train
