#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/batches/batch.h"
#include "models/decoding/composed.h"
#include "models/decoding/options.h"
#include "models/decoding/reply.h"
#include "models/decoding/reranking.h"
#include "models/decoding/wording.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// A reply to make.
struct Request {
  std::uint64_t number = 0;  ///< the caller's; comes back with the reply
  data::Context context;
  DecodingOptions options;
  std::optional<Composed> composed = std::nullopt;   ///< when given, `context` is not encoded; only
                                                     ///< the rules and rerankers still read it
  std::vector<data::TokenId> prefix = {};            ///< the reply begins with these
  std::shared_ptr<const Wording> wording = nullptr;  ///< of options.block and .stop
  Reranker reranker = nullptr;  ///< instead of the one that options.rerank names
  /// Gets the ids that the best reply begins with for certain, all of them each time they have
  /// grown; `Search::committed`. `ReplyText` makes text of them.
  std::function<void(std::span<const data::TokenId>)> on_committed = nullptr;
};

/// Limits of one decoding loop.
struct DecodeLimits {
  std::int64_t max_rows = 32;   ///< sequences that share a step; a beam of K costs K rows
  bool with_attention = false;  ///< collect ReplyAttention
  bool with_draft = false;  ///< a reply of the draft decoder beside each request's, from a model
                            ///< that has one; those that refine a draft always give it
};

/// Decodes a stream of requests over `step` only: waiting requests take the rows of finished ones,
/// so that no step is spent on padding. What a request gets does not depend on the others.
///
/// `next` gives the next request, or nothing when there is none at the moment: it is asked again
/// between steps, and decoding ends when it gives nothing and no row is running. `done` gets
/// replies as they end, in any order (`number` tells whose). A request that needs more rows than
/// there are runs alone.
///
/// Where a draft is made, it is the best reply that the request's options find in the draft
/// decoder; all replies to the request are then refined from that one. Runs in eval mode under
/// InferenceMode on the calling thread, which calls `next`, `done` and what a request brings.
/// Throws   what these throw; ConfigError for bad options or a prefix that is too long; DataError
///          for an empty context; base::Error when the model's logits are not finite, or a draft is
///          asked of a model that makes none
void decode(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows,
            const std::function<std::optional<Request>()>& next,
            const std::function<void(Replies)>& done);

}  // namespace banter::models
