#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "data/inspection/likeness/sketch.h"

namespace banter::data {

/// Finds dialogues that are nearly one that came before, from their sketches: those that share a
/// band of values are compared. An estimate, in one pass and in bounded memory: when the table is
/// full, half of the dialogues are left out by a draw that near-copies mostly share, and so on; the
/// counts are those of the sample that is left.
///
/// Math     P(told alike) = P(Binomial(kHashes, J) >= kAlike): with at most kHashes - kAlike = 12
///          unequal values, some of the 16 bands are equal, so no band is missed that the values
///          would have told
/// Cost     `kMaxBytes` for kMaxDialogues; a band's bucket is searched as far as its newest
///          kMaxCandidates
/// Source   Broder 1997 (sketches), Indyk and Motwani 1998 (bands)
class NearDuplicates {
 public:
  static constexpr std::size_t kMaxDialogues = std::size_t{1} << 17;
  static constexpr std::size_t kMaxBytes = std::size_t{48} << 20;
  static constexpr std::size_t kMaxCandidates = 64;
  /// Equal values from which two dialogues are told alike: Jaccard 0.81 and above.
  static constexpr std::size_t kAlike = 52;

  explicit NearDuplicates(std::size_t max_dialogues = kMaxDialogues)
      : max_dialogues_(max_dialogues) {}

  void add(const Sketch& sketch);

  struct Counts {
    std::uint64_t dialogues = 0;  ///< in the sample
    std::uint64_t alike = 0;      ///< of these: are nearly an earlier one, or have its shingles
    std::uint64_t same = 0;       ///< of these: have the sketch of an earlier one
    double share = 1;             ///< of all dialogues that the sample was drawn with, in (0, 1]
  };
  [[nodiscard]] Counts counts() const;

  /// How many of these dialogues are like one of the others; the smaller sample of the two.
  [[nodiscard]] Counts counts_in(const NearDuplicates& others) const;

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  struct Entry {
    Sketch sketch;
    std::uint32_t copies = 0;  ///< later ones with this very sketch
    bool alike = false;        ///< to an earlier one
  };
  struct Match {
    std::uint32_t same = kNone;  ///< entry with the same sketch
    bool alike = false;
  };
  [[nodiscard]] Match find(const Sketch& sketch) const;
  void look_into(std::size_t band, const Sketch& sketch, Match& match) const;
  [[nodiscard]] std::size_t bucket(std::size_t band, std::uint64_t values) const;
  void link(std::uint32_t entry);
  void relink(std::size_t buckets);
  void halve();

  std::size_t max_dialogues_;
  unsigned halvings_ = 0;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> buckets_;  ///< first node of each, kNone = empty; a power of two
  std::vector<std::uint32_t> next_;     ///< of node entry * kBands + band
};

}  // namespace banter::data
