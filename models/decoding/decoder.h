#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/batches/batch.h"
#include "models/decoding/composed.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/options.h"
#include "models/decoding/repeated_steps.h"
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
  /// Gets what the best reply begins with for certain, all of it each time it has grown;
  /// `Search::committed`. `ReplyText` makes text of its ids.
  std::function<void(const CommittedReply&)> on_committed = nullptr;
};

/// Limits of one decoding loop.
struct DecodeLimits {
  std::int64_t max_rows = 32;        ///< sequences that share a step; a beam of K costs K rows
  bool with_attention = false;       ///< collect ReplyAttention
  StepRecorder* recorder = nullptr;  ///< of steps; null = CUDA graphs where they are asked for
  bool with_draft = false;  ///< a reply of the draft decoder beside each request's, from a model
                            ///< that has one; those that refine a draft always give it
};

/// Decodes requests together over `step` only: waiting ones take the rows of finished ones, so that
/// no step is spent on padding. What a request gets does not depend on the others. A request that
/// needs more rows than there are runs alone.
///
/// Where a draft is made, it is the best reply that the request's options find in the draft
/// decoder; all replies to the request are then refined from that one.
/// Modes    the model is in eval mode for as long as this lives; steps under InferenceMode
/// Threads  one at a time; `step` calls what a request brings
class Decoder {
 public:
  /// `model` and `limits` must outlive this.
  /// Throws   ConfigError for fewer than one row; base::Error when a draft is asked of a model that
  ///          makes none
  Decoder(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows);
  ~Decoder();

  /// Rows that no request has taken or waits for; with none left, one more would only wait.
  [[nodiscard]] std::int64_t free_rows() const;
  [[nodiscard]] bool is_idle() const;  ///< nothing runs or waits

  /// Throws   ConfigError for bad options
  void add(Request request);
  /// Ends a request without a reply: its rows are gone before the next step. Of a number that is
  /// not there, nothing.
  void drop(std::uint64_t number);
  /// Takes what waits as far as there are rows, then makes one step; the replies that ended in it,
  /// in any order (`number` tells whose).
  /// Throws   what a request's functions throw; ConfigError for a prefix that is too long;
  ///          DataError for an empty context; base::Error when the model's logits are not finite.
  ///          Nothing can be done with a decoder that threw
  std::vector<Replies> step();

 private:
  class Loops;
  std::unique_ptr<Loops> loops_;
};

/// Decodes a stream of requests. `next` gives the next one, or nothing when there is none at the
/// moment: it is asked again between steps, and decoding ends when it gives nothing and no row is
/// running. `done` gets replies as they end. Both are called on the calling thread.
/// Throws   what these and `Decoder` throw
void decode(DialogueModel& model, const data::BatchOptions& limits, const DecodeLimits& rows,
            const std::function<std::optional<Request>()>& next,
            const std::function<void(Replies)>& done);

}  // namespace banter::models
