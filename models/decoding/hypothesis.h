#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/decoding/reply.h"

namespace banter::models {

/// One kind of attention at one token: a weight a source.
struct TokenAttention {
  std::string name;
  std::vector<float> weights;
};

/// All kinds at one token; shared by the beams that chose a token there. Null when not collected.
using SharedAttention = std::shared_ptr<const std::vector<TokenAttention>>;

/// A reply being written.
struct Hypothesis {
  std::vector<data::TokenId> ids;          ///< chosen so far, eos too once it was
  std::vector<float> log_probs;            ///< of each of them
  std::vector<SharedAttention> attention;  ///< at each of them
  double sum = 0;                          ///< of log_probs, before rounding to float

  /// This one with one more token.
  [[nodiscard]] Hypothesis with(data::TokenId id, double log_prob,
                                const SharedAttention& token_attention) const;
  void append(data::TokenId id, double log_prob, const SharedAttention& token_attention);

  /// sum / length^penalty over all chosen tokens, eos included; 0 before the first.
  [[nodiscard]] double score(double length_penalty) const;
  /// `eos`: taken off the ids and named as the way it ended when it is the last.
  [[nodiscard]] Reply to_reply(double length_penalty, data::TokenId eos) const;
};

/// The most that a hypothesis with this sum can still score when it may grow to `max_length`
/// tokens: log-probabilities to come are at most 0, and a sum that is not positive is divided by
/// most when longest.
double best_possible_score(double sum, double length_penalty, std::int64_t max_length);

}  // namespace banter::models
