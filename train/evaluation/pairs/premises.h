#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/store/split.h"

namespace banter::train {

/// Whose premise each of these pairs of a split gets when premises are shuffled: the pairs stand
/// in a ring in the order that `seed` names, and each takes that of the next one whose premise has
/// neither the text of its own premise nor that of its hypothesis. Where all texts differ, every
/// premise is taken once. Labels play no part, so that both kinds of pairs get premises of one
/// distribution.
///
/// Returns  numbers of pairs in the split, for each of `pairs`
/// Throws   DataError when a pair finds none
std::vector<std::uint64_t> shuffled_premises(const data::Split& split,
                                             std::span<const std::uint64_t> pairs,
                                             std::uint64_t seed);

}  // namespace banter::train
