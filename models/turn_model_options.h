#pragma once

#include <cstdint>
#include <string>

#include "models/layers/transformer/transformer_options.h"
#include "models/recurrent_options.h"

namespace banter::models {

/// What every model is asked that makes a vector of each turn by itself and decodes by a GRU.
struct TurnModelOptions : RecurrentOptions {
  std::string encoder = "gru";      ///< of a turn's tokens: gru|transformer
  std::string pool = "mean";        ///< of a transformer's states: mean|end (the turn-end symbol's)
  std::int64_t encoder_layers = 2;  ///< of a transformer, 1 to kMostLayers
  std::int64_t heads = 4;           ///< of a transformer, a divisor of embed_dim
  std::int64_t ffn_dim = 1024;      ///< of a transformer, > 0

  /// Reads the keys above and those of RecurrentOptions. Throws   ConfigError on a bad value
  void read(configs::Section& section);
  /// The layers of `encoder: transformer`.
  [[nodiscard]] TransformerOptions of_transformer() const;
};

}  // namespace banter::models
