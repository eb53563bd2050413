#pragma once

#include <cstdint>
#include <string>

#include "models/layers/transformer/consistency_layer.h"
#include "models/layers/transformer/transformer_options.h"

namespace banter::models {

/// Sizes and choices of StackPropagation. A preset only sets the defaults of what stands behind it.
struct StackOptions : TransformerOptions {
  std::int64_t encoder_layers = 3;      ///< of E, 1 to kMostLayers
  std::int64_t decoder_layers = 3;      ///< of D1, 1 to kMostLayers
  std::int64_t consistency_layers = 3;  ///< of D2, 0 to kMostLayers; 0 = there is no D2
  bool tied = true;                     ///< output layers' matrices are tables of token vectors
  std::string preset = "none";          ///< none|paper|released_code
  bool share_embeddings = true;         ///< one table of token vectors for E, D1 and D2
  ConsistencyOptions d2;                ///< d2_self, d2_persona, d2_shared_cross, d2_ffn
  std::string d2_reads_r1 =
      "causal";                       ///< causal|open: the states up to a token's own place, or all
  std::string d2_order = "lockstep";  ///< lockstep|two_pass: how a reply is made
  bool detach_r1 = false;             ///< no gradient of D2's loss reaches D1 and E
  double consistency_weight = 0.01;   ///< alpha, of nll_consistency, >= 0
  double pair_weight = 0.01;          ///< gamma, of all that is learned from pairs, >= 0
  double entailed_share = 0.6;        ///< beta, of nll_entailed in that, in [0, 1]
  std::string ul_form = "log1mp";     ///< log1mp|negated_logits: see Unlikelihood
  bool nli_uses_premise = true;       ///< a pair's premise is the persona; else there is none
  std::string nli_r1 = "embedding";   ///< what stands for R1 in pairs:
                                      ///< draft_decoder|embedding|none|zeros
  std::int64_t phase1_steps = 6000;   ///< first updates, in which nll alone is learned, >= 0
  std::int64_t max_draft_tokens = 60;  ///< of the drafts that `score` makes with two_pass, > 0

  static constexpr std::int64_t kMostLayers = 48;

  static StackOptions from(configs::Section& section);
};

}  // namespace banter::models
