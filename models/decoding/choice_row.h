#pragma once

#include <span>
#include <vector>

#include "models/decoding/choose.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/options.h"

namespace banter::models {

/// One row of logits that is changed for the choice of a token, and still knows what it was.
class ChoiceRow {
 public:
  /// Takes ids that were said down by `repetition_penalty`: divides positive logits, multiplies
  /// negative ones. Then adds `logit_bias`.
  /// Throws   base::Error when logits are not finite
  /// Source   Keskar et al. 2019, arXiv:1909.05858, section 4.1; differs: negative logits
  ///          are multiplied, since dividing them would help what it should hinder
  ChoiceRow(std::span<float> logits, std::span<const data::TokenId> said,
            const DecodingOptions& options);

  /// Takes a token down for the choice alone: `chosen` does not tell.
  void discourage(data::TokenId id, double nats);

  /// The token's log-probabilities before anything was forbidden or discouraged.
  [[nodiscard]] ChosenToken chosen(data::TokenId id, const SharedAttention& attention) const;
  /// What a changed logit stands for among the penalised and biased ones.
  [[nodiscard]] double log_prob(float logit) const { return ranked_.log_prob(logit); }

  [[nodiscard]] std::span<float> logits() const { return logits_; }

 private:
  std::span<float> logits_;
  LogNorm model_, ranked_;
  std::vector<Candidate> changed_, discouraged_;  ///< as they were before
  SharedTop top_;
};

}  // namespace banter::models
