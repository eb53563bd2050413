#include "train/ranks/follower.h"

#include <array>
#include <cstddef>
#include <span>

namespace banter::train {

void give(Ranks& ranks, Order order) {
  std::array said = {std::byte{static_cast<unsigned char>(order)}};
  ranks.broadcast(said);
}

void follow(Learner& learner, Ranks& ranks) {
  learner.share_state();
  for (;;) {
    std::array said = {std::byte{0}};
    ranks.broadcast(said);
    switch (static_cast<Order>(said[0])) {
      case Order::kStep:
        learner.step();
        break;
      case Order::kJudge:
        static_cast<void>(learner.judge());
        break;
      case Order::kCompare:
        learner.expect_one_state();
        break;
      case Order::kTake:
        learner.share_state();
        break;
      case Order::kEnd:
        return;
    }
  }
}

}  // namespace banter::train
