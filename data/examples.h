#pragma once

#include <cstdint>
#include <string>

#include "configs/section.h"
#include "data/store.h"

namespace banter::data {

/// A reply to be produced and where its context is: a view into a split.
struct Example {
  std::uint64_t dialogue = 0;  ///< number in the split
  std::uint32_t turn = 0;      ///< which turn of it is the reply, >= 1
};

/// Which turns are replies.
enum class ReplyBy : std::uint8_t { kAll, kRight, kSpeaker };

/// How a split becomes batches. Read from `batch`; all of it is stored with the run.
struct BatchOptions {
  std::string shuffle = "dialogue";  ///< dialogue: replies of a dialogue stay together and share
                                     ///< encoded turns; reply: every reply by itself, freely mixed
  std::int64_t tokens_per_batch = 2048;  ///< labels (eos counted) a micro-batch, at most; a longer
                                         ///< reply is alone in its batch
  std::int64_t max_context_turns = 10;   ///< last turns that a reply sees, >= 1
  std::int64_t max_turn_tokens = 100;    ///< a longer turn loses its end, >= 1
  std::int64_t max_reply_tokens = 100;   ///< a longer reply loses its end, and its eos, in training
  std::int64_t max_context_tokens =
      1024;  ///< of one reply; the oldest turns go first, at least one stays
  std::int64_t max_replies_per_part = 64;  ///< a longer dialogue is cut into parts for the order
  std::int64_t window = 256;      ///< batches' worth of replies that are sorted by length together
  std::string reply_by = "all";   ///< all (but the first turn)|right (2nd, 4th, ...)|speaker:X
  std::string persona = "turns";  ///< turns: facts come with the batch; none

  static BatchOptions from(configs::Section& section);
};

}  // namespace banter::data
