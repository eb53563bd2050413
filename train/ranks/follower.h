#pragma once

#include <cstdint>

#include "train/learner.h"
#include "train/ranks/ranks.h"

namespace banter::train {

/// What process 0, whose Trainer decides everything, tells the others to do with it.
enum class Order : std::uint8_t {
  kStep,     ///< one step of the learner
  kJudge,    ///< a share of a validation
  kCompare,  ///< are all weights the same?
  kTake,     ///< process 0's state and tensors, once more
  kEnd,      ///< nothing more
};

/// At process 0. With one process nobody hears it.
void give(Ranks& ranks, Order order);

/// At the others: takes process 0's state, then does what it says until the end.
/// Throws   what the learner throws
void follow(Learner& learner, Ranks& ranks);

}  // namespace banter::train
