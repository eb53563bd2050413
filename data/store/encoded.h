#pragma once

#include <variant>
#include <vector>

#include "data/record.h"
#include "data/tokenizer/word_encoder.h"

namespace banter::data {

/// A dialogue with the ids of its turns, of its facts (all personas, in order) and of its
/// distractors (all turns', in order).
struct EncodedDialogue {
  Dialogue text;
  std::vector<std::vector<TokenId>> turns, facts, distractors;
};

struct EncodedPair {
  Pair text;
  std::vector<TokenId> premise, hypothesis;
};

using EncodedRecord = std::variant<EncodedDialogue, EncodedPair>;

EncodedRecord encode(Record record, WordEncoder& encoder);

}  // namespace banter::data
