#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/batches/context.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/options.h"
#include "models/decoding/wording.h"

namespace banter::models {

/// What a request brings to its search besides the options.
struct SearchInput {
  data::Context context{};              ///< its turns: for context_no_repeat_ngram_size
  std::vector<data::TokenId> prefix{};  ///< the reply begins with these, whatever the rules say
  std::shared_ptr<const Wording> wording{};  ///< needed for `block` and `stop`
  bool is_reranked = false;  ///< the replies are sorted again, by what the search does not know
};

/// Why a search cannot take this prefix, a sentence; "" when it can: one token is left for the
/// search.
std::string fault_of_prefix(const std::vector<data::TokenId>& prefix,
                            const DecodingOptions& options, const data::SpecialIds& special);

/// What all these begin with, in whole characters: of each the ids whose text is part of a reply
/// for certain, neither eos, nor a stop string or what may become one.
CommittedReply settled_prefix(const std::vector<const Hypothesis*>& candidates, data::TokenId eos,
                              const SearchInput& input);

}  // namespace banter::models
