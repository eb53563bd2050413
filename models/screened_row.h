#pragma once

#include <vector>

#include "data/tokenizer/special_ids.h"

namespace banter::models {

struct Candidate {
  data::TokenId id = -1;
  float logit = 0;
};

/// What can be the arg max of a row of logits: a screen leaves out what cannot.
struct ScreenedRow {
  std::vector<Candidate> candidates;  ///< rising ids; none: the row could not be screened
  float below = 0;                    ///< the logits of all others are less
};

}  // namespace banter::models
