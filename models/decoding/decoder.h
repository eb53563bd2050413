#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "models/decoding/options.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// A reply to make.
struct Request {
  std::uint64_t number = 0;  ///< the caller's; comes back with the reply
  data::Context context;
  DecodingOptions options;
};

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

struct Replies {
  std::uint64_t number = 0;  ///< of the request
  std::vector<Reply> best;  ///< `options.replies` of them (fewer only if beams ran out), best first
};

/// Limits of one decoding loop.
struct DecodeLimits {
  std::int64_t max_rows = 32;   ///< sequences that share a step; a beam of K costs K rows
  bool with_attention = false;  ///< collect ReplyAttention
};

/// Decodes a stream of requests over `step` only: waiting requests take the rows of finished ones,
/// so that no step is spent on padding. What a request gets does not depend on the others.
///
/// `next` gives the next request, or nothing when there is none; `done` gets replies as they end,
/// in any order (`number` tells whose). Runs under InferenceMode on the calling thread.
/// Throws   what `next` and `done` throw; ConfigError for bad options
void decode(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows,
            const std::function<std::optional<Request>()>& next,
            const std::function<void(Replies)>& done);

}  // namespace banter::models
