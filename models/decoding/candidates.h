#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/batches/batch.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// A context and the replies to it that are compared.
struct Candidates {
  data::Context context;                            ///< its own `reply` is not read
  std::vector<std::vector<data::TokenId>> replies;  ///< without special ids; eos follows each
};

/// How well a reply fits its context.
struct ReplyFit {
  double log_prob = 0;      ///< nats, of all labels together
  std::int64_t labels = 0;  ///< eos is one
};

/// Scores all replies of some contexts, over `step`: what `DialogueModel::score` gives each by
/// itself, but that a context is encoded, and has its draft where one is refined, once for all of
/// its replies.
///
/// Shapes   returns for each context one fit a reply, in their order
/// Modes    runs in eval mode under InferenceMode on the calling thread
/// Throws   base::Error when a log-probability is not finite; DataError for an empty context
/// Cost     one row a reply in every step until the reply ends: (rows,V) logits are the largest
///          temporary, and the caller chooses how many contexts come together
std::vector<std::vector<ReplyFit>> fit_candidates(DialogueModel& model,
                                                  const data::BatchOptions& limits,
                                                  std::span<const Candidates> asked);

}  // namespace banter::models
