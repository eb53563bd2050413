#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "data/inspection/keys/distinct_counter.h"
#include "data/pair.h"

namespace banter::data {

/// The premises, or the hypotheses.
struct SentenceFigures {
  std::uint64_t words = 0, characters = 0, bytes = 0, non_ascii_characters = 0;
  std::uint64_t longest = 0;  ///< characters
  std::string longest_id;     ///< the first where several tie
  DistinctCounter::Counts texts;
};

/// What sentence pairs are like.
///
/// Units    words between ASCII white space; characters are code points
struct PairFigures {
  std::uint64_t pairs = 0;
  std::array<std::uint64_t, 3> by_label = {};  ///< at the label's value
  SentenceFigures premises, hypotheses;
  std::uint64_t repeated = 0;    ///< with the two texts of an earlier one, whatever the label
  std::uint64_t two_labels = 0;  ///< different pairs of texts that have more than one label
  std::uint64_t groups = 0;      ///< different ones
  std::uint64_t non_ascii_pairs = 0;

  [[nodiscard]] std::uint64_t non_ascii_characters() const {
    return premises.non_ascii_characters + hypotheses.non_ascii_characters;
  }
};

/// Counts them in one pass and in bounded memory: the buffers of a few DistinctCounters.
class PairStatistics {
 public:
  /// `keys` takes what does not fit into memory; all corpora may have one.
  explicit PairStatistics(const std::shared_ptr<KeyFile>& keys);

  void add(const Pair& pair);  ///< Throws   FileError (disk full)

  [[nodiscard]] std::uint64_t pairs() const { return figures_.pairs; }
  [[nodiscard]] PairFigures figures();  ///< Throws   FileError

  /// Gives the memory of the keys back; only comparing is left to do. Throws   FileError
  void rest();

 private:
  friend struct PairOverlap;
  static void add_sentence(const std::string& text, const std::string& id, SentenceFigures& figures,
                           DistinctCounter& texts);
  void count_repeated(PairFigures& figures);

  PairFigures figures_;
  DistinctCounter premises_, hypotheses_, texts_, groups_, ids_;
  SortedKeys labelled_;  ///< the two texts of each pair, with its label
};

}  // namespace banter::data
