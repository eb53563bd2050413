#pragma once

#include <variant>

#include "data/dialogue.h"
#include "data/pair.h"

namespace banter::data {

/// What a corpus is made of. (A ranking is a dialogue with distractors beside some of its turns.)
using Record = std::variant<Dialogue, Pair>;

}  // namespace banter::data
