#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "train/metrics/texts/sample.h"
#include "train/metrics/texts/word_vectors.h"

namespace banter::train {

/// How many words of texts there are, and how many of them have a vector.
struct Coverage {
  std::uint64_t words = 0, known = 0;

  void add(std::string_view text, Tokenize tokenize, const WordVectors& vectors);
  [[nodiscard]] double share() const;  ///< 0 where there is no word
};

/// Of a vectors' file those of the words that occur, and how many occurrences have one.
struct UsedVectors {
  std::filesystem::path file;
  WordVectors vectors;
  Coverage replies, references;

  /// For the samples of these systems and, beside them and not counted, the replies of others.
  /// Throws   what WordVectors::read throws
  UsedVectors(const std::filesystem::path& path,
              const std::vector<std::span<const Sample>>& systems,
              std::span<const Sample> others = {}, Tokenize tokenize = Tokenize::k13a);

  [[nodiscard]] base::json::object to_json() const;
  void print(std::ostream& out) const;  ///< one line
};

}  // namespace banter::train
