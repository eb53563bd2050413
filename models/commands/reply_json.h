#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "data/tokenizer/tokenizer.h"
#include "models/commands/print.h"
#include "models/decoding/reply.h"

/// Replies as JSON and as lines.
namespace banter::models {

/// A float with as few digits as tell it from its neighbours.
base::json::value short_number(float value);

/// {"reply", "log_prob", "score", "finish", "tokens", "log_probs"} and, when there are some,
/// "rerank_score" and "attention": {name: a row a token}. The end of the reply counts as a token.
base::json::object reply_json(const Reply& reply, const data::Tokenizer& tokenizer);

/// What the columns of attention weights are: [{"fact": i} ..., {"turn": i} ...], places in the
/// given context from 0. `given_turns`: how many turns were given.
base::json::array sources_json(std::int64_t facts, std::int64_t turns, std::int64_t given_turns);

}  // namespace banter::models
