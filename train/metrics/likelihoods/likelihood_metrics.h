#pragma once

#include <array>
#include <string_view>

#include "train/metrics/likelihoods/likelihood.h"

namespace banter::train {

/// A metric made of likelihoods.
struct LikelihoodMetric {
  std::string_view name;
  double (Likelihood::*value)() const;
  double Likelihood::*count;  ///< what it is a mean over
  int digits;                 ///< behind the point, in tables
};

/// All of them, in the order of tables.
inline constexpr std::array kLikelihoodMetrics = {
    LikelihoodMetric{"ppl", &Likelihood::ppl, &Likelihood::labels, 2},
    LikelihoodMetric{"ppl_word", &Likelihood::ppl_word, &Likelihood::words, 2},
    LikelihoodMetric{"nll_word", &Likelihood::nll_word, &Likelihood::words, 3},
    LikelihoodMetric{"bpb", &Likelihood::bpb, &Likelihood::bytes, 3},
    LikelihoodMetric{"token_accuracy", &Likelihood::token_accuracy, &Likelihood::labels, 4},
    LikelihoodMetric{"ppl_bound", &Likelihood::ppl_bound, &Likelihood::labels, 2},
};

}  // namespace banter::train
