#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "data/batches/context.h"
#include "models/decoding/options.h"
#include "models/decoding/reply.h"
#include "serve/protocol/codes.h"

namespace banter::serve {

using Clock = std::chrono::steady_clock;  ///< no wall clock decides anything

/// A reply that is asked of the engine.
struct Turn {
  std::string conversation;  ///< whose encodings may be used again; "" = of nobody
  std::string owner;         ///< token or address: the queues of owners take turns
  data::Context context;     ///< at least a turn or a fact
  models::DecodingOptions decoding;
  std::vector<data::TokenId> prefix;  ///< the reply begins with these
  Clock::time_point deadline = Clock::time_point::max();
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
  TurnTokens tokens{};
  Durations took{};
};

/// Who waits for a turn. Called on the engine's thread: what it does must neither block nor throw.
class TurnListener {
 public:
  virtual ~TurnListener() = default;
  /// The ids that the reply begins with for certain, each time they have grown: all of them.
  virtual void committed(const std::vector<data::TokenId>& ids) = 0;
  /// The reply is `tokens` long so far, after each step that commits nothing (a beam that is not
  /// decided, a choice among several).
  virtual void progressed(std::int64_t tokens) = 0;
  /// Once, whatever happens, and the last call.
  virtual void ended(TurnEnd end) = 0;
};

}  // namespace banter::serve
