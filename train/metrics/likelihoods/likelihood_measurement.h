#pragma once

#include <span>
#include <vector>

#include "train/metrics/likelihoods/likelihood.h"
#include "train/metrics/texts/measure.h"

namespace banter::train {

/// The metrics made of likelihoods as metrics made of sums, in the order of kLikelihoodMetrics.
std::span<const Metric> metrics_of_likelihoods();

/// What was summed by dialogue as a measurement of these metrics, so that its intervals and tests
/// are those of every metric made of sums.
Measurement measure_likelihoods(std::span<const Likelihood> groups,
                                std::vector<const Metric*> metrics);

}  // namespace banter::train
