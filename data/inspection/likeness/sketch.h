#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/dialogue.h"

namespace banter::data {

/// What is kept of a dialogue to tell how alike two are: the smallest values of many hash functions
/// over its shingles (runs of words of the lower-cased text, over the borders of turns).
///
/// Math     P(one value is equal in both) = J, the Jaccard index of the two sets of shingles
/// Source   Broder 1997, "On the resemblance and containment of documents"; differs: 16 bits of a
///          value are kept (Li and König 2010), so that unequal ones look equal once in 65,536
struct Sketch {
  static constexpr std::size_t kShingleWords = 3;
  static constexpr std::size_t kBands = 16;
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kHashes = kBands * kRows;

  std::array<std::uint64_t, kBands> bands{};  ///< `kRows` values of 16 bits each
  std::uint64_t draw = 0;  ///< of one more such function: chooses a sample in which near-copies
                           ///< stay together; never 0

  bool operator==(const Sketch&) const = default;
};

/// Values that are equal in both, at most `Sketch::kHashes`.
std::size_t equal_values(const Sketch& a, const Sketch& b);

/// Makes sketches one after the other.
class Sketcher {
 public:
  [[nodiscard]] Sketch sketch(const Dialogue& dialogue);

  /// The shingles of the dialogue sketched last, as hashes, in order. A text of fewer words than a
  /// shingle is one. (Where words are not set apart by spaces, what stands between two is a word.)
  [[nodiscard]] const std::vector<std::uint64_t>& shingles() const { return shingles_; }

 private:
  void find_shingles(const Dialogue& dialogue);
  std::vector<std::uint64_t> words_, shingles_;
};

}  // namespace banter::data
