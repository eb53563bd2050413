#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace banter::train {

/// Sums over replies from which every likelihood metric is made; sums of sums are sums, so they
/// may be added over batches, dialogues and resamples (a mean of batch means may not).
struct Likelihood {
  double nll = 0;      ///< nats, of all labels, eos included
  double labels = 0;   ///< eos included
  double correct = 0;  ///< labels that are the arg max under teacher forcing
  double words = 0;    ///< white-space words of the replies' texts
  double bytes = 0;    ///< UTF-8 bytes of the replies' texts
  double replies = 0;
  /// Nats, not less than the exact -log p on average, where `nll` is none; else 0.
  double bound = 0;

  Likelihood& operator+=(const Likelihood& other);

  // NaN where the count is 0.
  [[nodiscard]] double ppl() const;       ///< exp(nll / labels)
  [[nodiscard]] double nll_word() const;  ///< nll / words, eos's part included
  [[nodiscard]] double ppl_word() const;  ///< exp(nll_word): comparable between tokenizers
  [[nodiscard]] double bpb() const;       ///< nll / (ln 2 * bytes): bits a byte
  [[nodiscard]] double token_accuracy() const;
  [[nodiscard]] double ppl_bound() const;  ///< exp(bound / labels)
};

Likelihood total(std::span<const Likelihood> groups);

/// Draws the groups anew, with replacement, and adds each draw up.
///
/// Equal arguments give equal draws, and the draws of two systems measured on the same groups are
/// paired: number r of both took the same groups.
/// Cost     O(resamples * groups)
std::vector<Likelihood> resample(std::span<const Likelihood> groups, std::size_t resamples = 1000,
                                 std::uint64_t seed = 12345);

}  // namespace banter::train
