#pragma once

#include <cstdint>
#include <vector>

#include "data/dialogue.h"

/// Changes of a context, the turns before a reply: pure functions of the turns and a key. They move
/// and drop whole turns, speaker and all, or words within a turn. Each asks of a model what it
/// makes of the history: one that ignores it does not notice.
///
/// Source   after Sankar et al. 2019, arXiv:1906.01603; differs: `drop_turns` is ours
namespace banter::data {

using Turns = std::vector<Turn>;

/// The turns in an order that `key` draws, all orders alike.
Turns shuffle_turns(Turns context, std::uint64_t key);

/// The last turn first.
Turns reverse_turns(Turns context);

/// Without the first half; of an odd number the middle turn stays.
Turns drop_first_half(Turns context);

/// Without the last turn; of one turn nothing is left.
Turns drop_last_turn(Turns context);

/// The last turn alone.
Turns keep_last_turn(Turns context);

/// Without those turns that `key` draws, each with the probability `share` in [0, 1]; where all are
/// drawn, the last one stays.
Turns drop_turns(Turns context, double share, std::uint64_t key);

/// Each turn's white-space words in an order that `key` draws; the white space stays where it is.
Turns shuffle_words(Turns context, std::uint64_t key);

}  // namespace banter::data
