#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/decoding/reply.h"

namespace banter::models {

/// One kind of attention at one token.
struct TokenAttention {
  std::string name;
  std::vector<float> weights;   ///< a source
  std::vector<float> tokens{};  ///< a token of the context; none when not asked for
};

/// All kinds at one token; shared by the beams that chose a token there. Null when not collected.
using SharedAttention = std::shared_ptr<const std::vector<TokenAttention>>;

/// The most probable tokens at one place; shared like attention. Null when not asked for.
using SharedTop = std::shared_ptr<const std::vector<TokenLogProb>>;

/// A token that a search chose.
struct ChosenToken {
  data::TokenId id = -1;
  double log_prob = 0;         ///< the model's
  double ranked_log_prob = 0;  ///< what hypotheses are compared by: under the changed logits
  SharedAttention attention{};
  SharedTop top{};
};

/// What a reply begins with for certain, whatever comes.
struct CommittedReply {
  std::vector<data::TokenId> ids;
  std::vector<SharedAttention> attention;  ///< at each of them; empty when not collected
};

/// A reply being written.
struct Hypothesis {
  std::vector<data::TokenId> ids;          ///< chosen so far, eos too once it was
  std::vector<float> log_probs;            ///< of each of them, the model's
  std::vector<SharedAttention> attention;  ///< at each of them
  std::vector<SharedTop> top;              ///< at each of them
  double sum = 0;                          ///< of ranked log-probabilities
  std::size_t cut_bytes = 0;               ///< as in Reply; above 0 it ended at a stop string

  /// This one with one more token.
  [[nodiscard]] Hypothesis with(const ChosenToken& token) const;
  void append(const ChosenToken& token);

  /// sum / length^penalty over all chosen tokens, eos included; 0 before the first.
  [[nodiscard]] double score(double length_penalty) const;
  /// `eos`: taken off the ids and named as the way it ended when it is the last.
  [[nodiscard]] Reply to_reply(double length_penalty, data::TokenId eos) const;
};

/// The ids that all of `texts` begin with.
std::span<const data::TokenId> common_prefix(
    const std::vector<std::span<const data::TokenId>>& texts);

/// The most that a hypothesis with this sum can still score when it may grow to `max_length`
/// tokens: log-probabilities to come are at most 0, and a sum that is not positive is divided by
/// most when longest.
double best_possible_score(double sum, double length_penalty, std::int64_t max_length);

}  // namespace banter::models
