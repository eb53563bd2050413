#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "data/batches/subset.h"
#include "data/store/split.h"

namespace banter::data {

/// A part of a split's groups. Parts of one seed are nested: a smaller one is in every larger one.
struct Part {
  double fraction = 1;     ///< of the groups, rounded up to whole ones; in (0, 1]
  std::uint64_t seed = 1;  ///< of the order in which groups are taken
};

/// The dialogues of a part, with all that share a group.
///
/// Groups are ordered by a keyed hash of (seed, group), and the first ceil(fraction * N) of them
/// are the part, so that it does not depend on what learns from it. A dialogue without a group is
/// one by itself, by its id.
/// Cost     of a part of 1 nothing; else every record is read and decoded once
Subset dialogues_of(const Split& split, const Part& part);

/// Those of `pairs` that are in the part of their groups. Pairs without a group are taken by
/// themselves, by their ids.
/// Cost     as above
std::vector<std::uint64_t> pairs_of(const Split& split, const std::vector<std::uint64_t>& pairs,
                                    const Part& part);

/// What a pair's `group` may call the dialogues that it was made from: their ids and groups.
struct DialogueNames {
  std::set<std::string, std::less<>> kept, dropped;  ///< of those in a part, and of the others

  /// Adds those of a split, of which `part` is learned from.
  void add(const Split& split, const Part& part);
};

/// Those of `pairs` that were not made from a dropped dialogue.
/// Throws   DataError when no pair names a dialogue at all, kept or dropped: then nothing would
///          tell them apart
std::vector<std::uint64_t> pairs_without_dropped(const Split& split,
                                                 const std::vector<std::uint64_t>& pairs,
                                                 const DialogueNames& names);

}  // namespace banter::data
