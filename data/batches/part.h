#pragma once

#include <cstdint>
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
/// Cost     of a part of 1 nothing; else every dialogue's details are read once, and 8 bytes each
Subset dialogues_of(const Split& split, const Part& part);

/// Those of `pairs` that are in the part of their groups (`group_of`).
/// Cost     as above, with the pairs' texts
std::vector<std::uint64_t> pairs_of(const Split& split, const std::vector<std::uint64_t>& pairs,
                                    const Part& part);

}  // namespace banter::data
