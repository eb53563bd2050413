#pragma once

#include <cstdint>
#include <string>

#include "configs/section.h"

namespace banter::models {

/// What every layer of a Transformer is made by, and what stands before and behind them.
struct TransformerOptions {
  std::int64_t dim = 256;       ///< D, of a token's vector and of all between layers, > 0
  std::int64_t heads = 4;       ///< A, divides dim
  std::int64_t ffn_dim = 1024;  ///< inside a feed-forward layer, > 0
  std::string norm = "pre";     ///< where a part is normalised: before it, or with its residual
  bool final_norm = true;       ///< behind the last layer; unless said: with norm: pre
  double norm_eps = 1e-5;       ///< of every layer norm, added to its variance, > 0
  std::string positions = "sinusoidal";  ///< learned|rope|sinusoidal
  std::int64_t max_positions = 1024;     ///< of learned; tokens behind share the last one's, > 0
  std::int64_t position_offset = 0;      ///< of learned: rows before the first position's, >= 0
  bool scale_embedding = true;           ///< token vectors are multiplied by sqrt(D)
  bool embedding_norm = false;           ///< and normalised, with their positions
  std::string activation = "relu";       ///< of feed-forward layers: gelu|relu|swish
  std::string projections = "dense";     ///< what makes q, k, v and o
  double dropout = 0.1;                  ///< of token vectors and of what each part adds, in [0, 1)
  double activation_dropout = 0;         ///< inside a feed-forward layer, in [0, 1)
  double embedding_dropout = 0;          ///< of words of the table, wherever they stand, in [0, 1)

  /// Reads the keys above. Throws   ConfigError on a bad value
  void read(configs::Section& section);
};

}  // namespace banter::models
