#pragma once

#include <cstdint>
#include <vector>

#include "data/store/split.h"

namespace banter::train {

/// By a dialogue's number in a split: the number of the first dialogue that tells the same talk
/// (`Split::group`), which is its own where no earlier one does. What replies of one talk say of a
/// model depends on each other, so that intervals and tests draw and swap groups.
std::vector<std::uint64_t> groups_of_dialogues(const data::Split& split);

}  // namespace banter::train
