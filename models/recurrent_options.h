#pragma once

#include <cstdint>
#include <string>

#include "configs/section.h"

namespace banter::models {

/// What every model of recurrent networks is asked.
struct RecurrentOptions {
  std::int64_t embed_dim = 256;   ///< width of one token vector, > 0
  std::int64_t hidden_dim = 512;  ///< width of encoder and decoder states, > 0
  double dropout = 0.1;           ///< after the embedding and before the output layer, in [0, 1)
  std::string dropout_kind = "values";  ///< of values, or locked: one mask for a row's tokens
  double embedding_dropout = 0;         ///< of words of the table, wherever they stand, in [0, 1)
  std::int64_t layers = 1;              ///< of the encoder and of the decoder, 1 to kMostLayers
  bool bidirectional = false;           ///< a second GRU reads what the encoder reads from its end
  bool tied = false;                    ///< the output layer's matrix is the embedding's table
  bool speakers = false;  ///< add a vector for the turn's speaker to each of its tokens

  static constexpr std::int64_t kMostLayers = 16;

  /// Reads the keys above. Throws   ConfigError on a bad value
  void read(configs::Section& section);
};

}  // namespace banter::models
