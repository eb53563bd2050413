#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/pair.h"

namespace banter::train {

/// How a dialogue model fits the hypothesis of a sentence pair as a reply.
struct PairLikelihood {
  /// Nats of the hypothesis' labels.
  struct Nll {
    double own = 0;       ///< behind the pair's premise
    double shuffled = 0;  ///< behind the premise of another pair
  };
  std::uint64_t pair = 0;   ///< its number in the split
  std::uint64_t group = 0;  ///< pairs of one group depend on each other: the same number
  data::Label label = data::Label::kEntailment;  ///< or kContradiction
  double labels = 0;                             ///< of the hypothesis, eos included
  std::vector<Nll> nll;                          ///< by `PairLikelihoods::readings`
};

/// The pairs of a split that are decided, in its order.
struct PairLikelihoods {
  /// Which likelihoods they are: the model's own score first (`ppl`, `ppl_d2_causal`,
  /// `ppl_d2_draft`), then what else it has (`ppl_d1`).
  std::vector<std::string> readings;
  std::vector<PairLikelihood> pairs;
};

/// Writes JSON Lines, one a pair, with [own, shuffled] under the name of each likelihood:
///
///     {"pair": 0, "group": 0, "label": "entailment", "labels": 7, "ppl": [31.5, 33.25]}
///
/// Throws   FileError; DataError when a likelihood is no finite number
void write_pair_likelihoods(const std::filesystem::path& file, const PairLikelihoods& likelihoods);

/// Reads them back. Throws   FileError; DataError naming file and line
PairLikelihoods read_pair_likelihoods(const std::filesystem::path& file);

/// Whether two systems were asked about the same pairs.
bool are_same_pairs(const PairLikelihoods& a, const PairLikelihoods& b);

}  // namespace banter::train
