#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace banter::models {

/// Weights over [facts; context turns] at each token of a reply.
struct ReplyAttention {
  std::string name;                         ///< "static", "dynamic"
  std::vector<std::vector<float>> weights;  ///< a row a token (eos included), a column a source
};

/// One reply, as ids.
struct Reply {
  std::vector<data::TokenId> ids;  ///< without eos
  std::vector<float> log_probs;    ///< of each id under the model (not the truncated) distribution,
                                   ///< natural log; eos's behind them when finish is "eos"
  double score = 0;                ///< sum / length^length_penalty, what n-best is sorted by
  std::string finish;              ///< "eos" or "length"
  std::vector<ReplyAttention> attention;  ///< when asked for
};

/// The answer to a request.
struct Replies {
  std::uint64_t number = 0;  ///< of the request
  std::vector<Reply> best;  ///< `options.replies` of them (fewer only if beams ran out), best first
  std::int64_t facts = 0;   ///< how many of the context's facts were read: its first ones
  std::int64_t turns = 0;   ///< how many of the context's turns were read: its last ones
};

}  // namespace banter::models
