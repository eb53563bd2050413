#pragma once

#include <vector>

#include "data/tokenizer/special_ids.h"

namespace banter::data {

/// Ids that no reply holds: all special ones but eos, which ends it. Those that a vocabulary does
/// not have are `SpecialIds::kNone` among them.
inline std::vector<TokenId> unsayable_ids(const SpecialIds& special) {
  std::vector<TokenId> ids = {special.pad,      special.unk,     special.bos,
                              special.turn_end, special.persona, special.unknown_speaker};
  for (std::int64_t i = 0; i < SpecialIds::kSpeakers; ++i)
    if (special.first_speaker != SpecialIds::kNone) ids.push_back(special.first_speaker + i);
  std::erase(ids, special.eos);  // some pretrained vocabularies have one id for several purposes
  return ids;
}

}  // namespace banter::data
