#pragma once

#include <torch/types.h>

#include "models/layers/packing.h"

namespace banter::models {

/// Reads rows of tokens, each by itself: a vector of the row, and a state of each token.
class TokenEncoder {
 public:
  struct Encoding {
    torch::Tensor states;   ///< (P,H): of the tokens, packed; undefined when not asked for
    torch::Tensor vectors;  ///< (N,H): of the rows; zeros for an empty one
  };

  TokenEncoder() = default;
  TokenEncoder(const TokenEncoder&) = delete;
  TokenEncoder& operator=(const TokenEncoder&) = delete;
  virtual ~TokenEncoder() = default;

  /// Shapes   input (P,E): token vectors, packed
  virtual Encoding encode(const torch::Tensor& input, const Packing& packing, bool with_states) = 0;
};

}  // namespace banter::models
