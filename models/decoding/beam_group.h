#pragma once

#include <map>
#include <vector>

#include "models/decoding/constraints.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/search.h"

namespace banter::models {

/// Hypotheses that compete with each other: all of a beam search, or one group of a diverse one.
///
/// A step takes the best 2K of all continuations: eos among the best K of them finishes a
/// hypothesis, the best K others live on. Ties go to the lower id, then to the better parent.
class BeamGroup {
 public:
  /// How many beams of the groups before chose a token in this step.
  using Counts = std::map<data::TokenId, int>;

  BeamGroup(const DecodingOptions& options, std::size_t beam_size);

  /// Reads the rows of its live hypotheses; says which of them go on, none when it is decided.
  std::vector<NextRow> advance(std::span<const ScoredRow> rows, const Constraints& constraints,
                               const SearchInput& input, const Counts& taken);

  [[nodiscard]] const std::vector<Hypothesis>& live() const { return live_; }
  [[nodiscard]] const std::vector<Hypothesis>& finished() const { return finished_; }
  /// The most that a live hypothesis can still score.
  [[nodiscard]] double best_possible_score(const Hypothesis& hypothesis) const;

 private:
  struct Continuation {
    std::size_t parent = 0;
    ChosenToken token;
    double sum = 0;  ///< that it is chosen by
  };
  /// The best 2K continuations of all rows, best first; none for a row that nothing may follow.
  std::vector<Continuation> best_continuations(std::span<const ScoredRow> rows,
                                               const Constraints& constraints, const Counts& taken);
  std::vector<NextRow> force(const ScoredRow& row, data::TokenId id);
  std::vector<NextRow> grow(const std::vector<Continuation>& continuations,
                            const Constraints& constraints, const SearchInput& input);
  void set_aside(Hypothesis hypothesis);
  [[nodiscard]] bool is_decided() const;

  DecodingOptions options_;
  std::size_t beam_size_;
  std::vector<Hypothesis> live_{1};   ///< a row each, best first
  std::vector<Hypothesis> finished_;  ///< the best K, best first
};

}  // namespace banter::models
