#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/section.h"
#include "data/tokenizer/special_ids.h"

namespace banter::models {

struct TokenBias {
  data::TokenId id = 0;
  float nats = 0;
};

/// How a reply is chosen token by token. Read from `decoding` and from flags of the same names.
struct DecodingOptions {
  std::string method = "greedy";    ///< greedy|beam|sample
  std::int64_t beam_size = 4;       ///< K of method beam, 1 to kMostReplies; 1 equals greedy
  std::int64_t beam_groups = 1;     ///< of method beam: groups of beam_size / this many beams that
                                    ///< avoid each other's tokens; divides beam_size
  double diversity_penalty = 0.5;   ///< nats, in [0, 1000]: taken off a token's log-probability for
                                    ///< each beam of the groups before that chooses it in this step
  double length_penalty = 1.0;      ///< beams are compared by log-probability / length^this; >= 0
  double temperature = 1.0;         ///< of method sample, > 0; logits are divided by it first
  std::int64_t top_k = 0;           ///< sample: among the k most probable; 0 = all
  double top_p = 1.0;               ///< sample: smallest set with at least this share, in (0, 1]
  double typical_p = 1.0;           ///< sample: smallest set with this share of the tokens whose
                                    ///< surprise is nearest to the expected one, in (0, 1]
  double repetition_penalty = 1.0;  ///< logits of ids that the reply already holds are divided by
                                    ///< it when positive, else multiplied; in [0.01, 100], 1 = off
  std::int64_t min_new_tokens = 1;  ///< eos is not chosen before, >= 0
  std::int64_t max_new_tokens = 60;       ///< a reply ends here at the latest, 1 to kMostNewTokens
  std::int64_t no_repeat_ngram_size = 0;  ///< no n-gram of this size twice in a reply; 0 = off
  std::int64_t context_no_repeat_ngram_size = 0;  ///< no n-gram of this size of a context's turn is
                                                  ///< said again; 0 = off
  std::vector<std::string> block = {};  ///< texts that no reply holds, also inside a word; with a
                                        ///< space in front only where a word begins; not blank
  std::vector<std::string> stop = {};   ///< a reply ends before the first of these; not empty
  std::uint64_t seed = 1;    ///< of method sample: draw t of reply r is a function of (seed, r, t);
                             ///< and of what a model draws before a reply (`DialogueModel::draw`)
  std::int64_t replies = 1;  ///< n-best: beam: at most beam_size; sample: independent ones, 1 to
                             ///< kMostReplies
  std::string rerank = "none";  ///< what the replies are sorted by: none (their score), or a row of
                                ///< the table in reranking.cpp
  double rerank_margin = 0.5;   ///< of rerank consistency, nats a token, >= 0: replies whose mean
                                ///< log-probability is further below the best one's come last

  // Of a request alone, no keys of a configuration:
  /// Added to the logits of these ids, each there once, in nats; -100 all but forbids one, 100 all
  /// but enforces it.
  std::vector<TokenBias> logit_bias = {};
  std::int64_t top_log_probs = 0;  ///< so many tokens are told at each place with their
                                   ///< log-probabilities, whichever was chosen
  /// False: replies come without `log_probs` and `top_log_probs`, and with a `score` of 0. It
  /// spares a greedy search most of the output layer.
  bool with_log_probs = true;
  bool with_token_attention = false;  ///< where attention is collected and the model has it, also
                                      ///< that of the context's single tokens

  static constexpr std::int64_t kMostReplies = 1024;      ///< of one context: a row of a step each
  static constexpr std::int64_t kMostNewTokens = 65'536;  ///< of one reply

  static DecodingOptions from(configs::Section& section);
  /// Throws   ConfigError naming the option and its rule. For options that come from flags.
  void validate() const;
  /// Whether `method` reads this option at all.
  [[nodiscard]] bool reads(std::string_view key) const;
};

}  // namespace banter::models
