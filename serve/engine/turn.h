#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/batches/context.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/options.h"
#include "models/decoding/reply.h"
#include "serve/protocol/codes.h"
#include "serve/protocol/reply_parts.h"

namespace banter::serve {

using Clock = std::chrono::steady_clock;  ///< no wall clock decides anything

/// A reply that is asked of the engine.
struct Turn {
  std::string conversation;        ///< whose encodings may be used again; "" = of nobody
  std::string owner;               ///< token or address: the queues of owners take turns
  data::Context context;           ///< at least a turn or a fact
  std::vector<std::string> facts;  ///< the texts of the context's, for who judges replies by them
  models::DecodingOptions decoding;
  bool is_by_mmi = false;  ///< the best of several replies is chosen by what the reverse model says
  std::vector<data::TokenId> prefix;  ///< the reply begins with these
  Clock::time_point deadline = Clock::time_point::max();
};

/// What a reply begins with for certain.
struct TurnProgress {
  std::span<const data::TokenId> ids;
  std::span<const models::SharedAttention> attention;  ///< at each id; empty when not collected
  std::int64_t facts = 0;  ///< that are read, the first sources of attention; turns follow
  std::span<const models::ContextToken> tokens = {};  ///< as `models::Replies::tokens`
};

/// Tokens of a turn: those of its context and persona, those of them that were encoded before, and
/// those that were generated.
struct TurnTokens {
  std::int64_t prompt = 0, cached = 0, completion = 0;
};

/// How long a turn waited for rows, for its first token, and in all, since it was accepted.
struct Durations {
  Clock::duration queue{}, first{}, total{};
};

/// The end of a turn.
struct TurnEnd {
  Finish finish = Finish::kError;
  models::Replies replies{};  ///< best first; none unless finish is kStop or kLength
  std::optional<std::vector<FactVerdict>> consistency{};  ///< of the best, where a judge is loaded
  std::string revision{};                                 ///< of the model that it ran on, if any
  TurnTokens tokens{};
  Durations took{};
};

/// Who waits for a turn. Called on the engine's thread: what it does must neither block nor throw.
class TurnListener {
 public:
  virtual ~TurnListener() = default;
  /// What the reply begins with for certain, each time it has grown: all of it.
  virtual void committed(const TurnProgress& progress) = 0;
  /// The reply is `tokens` long so far, after each step that commits nothing (a beam that is not
  /// decided, a choice among several).
  virtual void progressed(std::int64_t tokens) = 0;
  /// Once, whatever happens, and the last call.
  virtual void ended(TurnEnd end) = 0;
};

}  // namespace banter::serve
