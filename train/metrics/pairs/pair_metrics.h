#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "train/metrics/pairs/pair_likelihoods.h"
#include "train/metrics/texts/measure.h"

namespace banter::train {

/// How a dialogue model tells hypotheses that the persona entails from those that it contradicts,
/// in the order of tables. All are made of the same sums.
///
/// Math     p_ent, p_ctd    exp(sum NLL / sum labels) of the entailed, the contradicted pairs
///          delta_p         p_ctd - p_ent;  log_delta_p = ln p_ctd - ln p_ent
///          pair_margin     mean over the entailed pairs of l(h | premise) - the same of the
///                          contradicted ones, l = log-probability a label
///          pair_gain_ent   mean over the entailed pairs of l(h | premise) - l(h | another
///                          premise); pair_gain_ctd of the contradicted ones
///          pair_gain       pair_gain_ent - pair_gain_ctd
/// and, as `*_shuffled`, the same behind another pair's premise. Entailed and contradicted
/// hypotheses are different sentences: what they differ by without their premises is in all of
/// these but the gains, where each hypothesis is compared with itself.
/// Source   p.Ent, p.Ctd, delta-P: Song et al. 2021, arXiv:2106.06169; the others ours
std::span<const Metric> pair_metrics();

/// The pairs' sums by group as a measurement of these metrics by one of the likelihoods, so that
/// its intervals and tests are those of every metric made of sums.
Measurement measure_pairs(const PairLikelihoods& likelihoods, std::size_t reading,
                          std::vector<const Metric*> metrics);

/// A metric of pairs as columns of tables name it: `pair_gain`, by the model's own score, or
/// `ppl_d1.pair_gain`, by another likelihood that it has.
struct PairColumn {
  const Metric* metric = nullptr;  ///< null where the name is none of a metric of pairs
  std::string reading{};           ///< "" = the model's own
};
PairColumn pair_column(std::string_view name);

/// The likelihoods that a column may name.
inline constexpr std::array<std::string_view, 4> kPairReadings = {"ppl", "ppl_d1", "ppl_d2_causal",
                                                                  "ppl_d2_draft"};

}  // namespace banter::train
