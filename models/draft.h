#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <torch/types.h>
#include <torch/utils.h>

#include "models/dialogue_model.h"

namespace banter::models {

/// First replies of B contexts, as a draft decoder read them: what `refine` takes.
struct Draft {
  torch::Tensor inputs;  ///< (B,S) int64: bos, d_1 .. d_n, then pad
  torch::Tensor keep;    ///< (B,S) bool, true = real

  /// Those of these replies, without eos.
  static Draft of(const std::vector<std::vector<data::TokenId>>& replies,
                  const data::SpecialIds& special);
};

/// Each context's most probable next token, again and again, by a model's draft decoder: special
/// ids and empty replies are passed over, as in every reply that is decoded.
///
/// Modes    under NoGrad or InferenceMode
/// Cost     max_tokens steps of B rows at most
Draft greedy_draft(DialogueModel& model, const Memory& memory, std::int64_t max_tokens);

}  // namespace banter::models
