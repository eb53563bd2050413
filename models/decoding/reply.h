#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace banter::models {

/// A token of a reply's context, as the model read it.
struct ContextToken {
  std::int64_t source = 0;  ///< its place in [facts; context turns], those that were read
  data::TokenId id = -1;
  bool operator==(const ContextToken&) const = default;
};

/// Weights over [facts; context turns] at each token of a reply.
struct ReplyAttention {
  std::string name;                          ///< "static", "dynamic"
  std::vector<std::vector<float>> weights;   ///< a row a token (eos included), a column a source
  std::vector<std::vector<float>> tokens{};  ///< the same with a column for each of
                                             ///< `Replies::tokens`; no rows when not asked for
};

/// A token and how probable the model held it.
struct TokenLogProb {
  data::TokenId id = -1;
  float log_prob = 0;  ///< nats
};

/// One reply, as ids.
struct Reply {
  std::vector<data::TokenId> ids;  ///< without eos
  std::vector<float> log_probs;    ///< of each id under the model (not the truncated) distribution,
                                   ///< natural log; eos's behind them when finish is "eos"; none
                                   ///< where they were not asked for
  double score = 0;  ///< sum / length^length_penalty, what n-best is sorted by; the sum is that of
                     ///< log_probs, with a repetition_penalty or a logit_bias of those under the
                     ///< changed logits
  std::string finish;         ///< "eos", "length" or "stop"
  std::size_t cut_bytes = 0;  ///< at the end of the ids' text, not part of the reply: a stop string
                              ///< and what its last piece brought behind it
  std::optional<double> rerank_score{};   ///< what n-best is sorted by, when options.rerank is set
  std::vector<ReplyAttention> attention;  ///< when asked for
  /// At each place of `log_probs` the most probable tokens, falling: `options.top_log_probs` of
  /// them.
  std::vector<std::vector<TokenLogProb>> top_log_probs{};
};

/// What a reply says: the text of its ids, up to a stop string.
std::string text_of(const Reply& reply, const data::Tokenizer& tokenizer);

/// The ids of a reply as a turn of a context: those of its text, where a stop string cut it or a
/// pretrained vocabulary may spell a context otherwise.
std::vector<data::TokenId> said_ids(const Reply& reply, const data::Tokenizer& tokenizer);

/// The answer to a request.
struct Replies {
  std::uint64_t number = 0;  ///< of the request
  std::vector<Reply> best;  ///< `options.replies` of them (fewer only if beams ran out), best first
  std::int64_t facts = 0;   ///< how many of the context's facts were read: its first ones
  std::int64_t turns = 0;   ///< how many of the context's turns were read: its last ones
  std::optional<Reply> draft{};        ///< of the draft decoder, where one was made
  std::vector<ContextToken> tokens{};  ///< the context's, source by source, where weights of single
                                       ///< tokens were asked for and the model has them
};

}  // namespace banter::models
