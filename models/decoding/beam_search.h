#pragma once

#include <vector>

#include "models/decoding/choose.h"
#include "models/decoding/constraints.h"
#include "models/decoding/search.h"

namespace banter::models {

/// Beam search: K hypotheses grow together, finished ones are set aside, and it ends when nothing
/// that still grows can beat the K-th finished one, so for a beam that holds everything the answer
/// is the true maximum.
///
/// A step takes the best 2K of all continuations: eos among the best K of them finishes a
/// hypothesis, the best K others live on. Ties go to the lower id, then to the better parent.
class BeamSearch : public Search {
 public:
  BeamSearch(const DecodingOptions& options, const data::SpecialIds& special);

  [[nodiscard]] std::int64_t first_rows() const override { return 1; }
  std::vector<NextRow> advance(std::span<const ScoredRow> rows) override;
  std::vector<Reply> take() override;

 private:
  struct Continuation {
    std::size_t parent = 0;
    data::TokenId id = 0;
    double log_prob = 0, sum = 0;
  };
  /// The best 2K continuations of all rows, best first; none for a row that nothing may follow.
  std::vector<Continuation> best_continuations(std::span<const ScoredRow> rows);
  void set_aside(Hypothesis hypothesis);
  [[nodiscard]] bool is_decided() const;

  DecodingOptions options_;
  Constraints constraints_;
  std::size_t beam_size_;
  std::vector<Hypothesis> live_{1};   ///< a row each, best first
  std::vector<Hypothesis> finished_;  ///< the best K, best first
};

}  // namespace banter::models
