#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include "models/decoding/composed.h"
#include "models/decoding/hypothesis.h"
#include "models/dialogue_model.h"

namespace banter::models {

/// One kind of a step's attention, on the CPU.
struct StepAttention {
  std::string name;
  torch::Tensor weights;  ///< (N,U) float32
  torch::Tensor tokens;   ///< (N,J') float32, or undefined
};

/// `with_tokens`: whether a row of the step wants those of single tokens.
std::vector<StepAttention> on_cpu(const std::vector<Attention>& all, bool with_tokens);

/// That of row `n`, at the sources, and where they are wanted at the tokens, that are its own.
SharedAttention attention_at(const std::vector<StepAttention>& all, std::int64_t n,
                             const Composed& sources, bool with_tokens);

}  // namespace banter::models
