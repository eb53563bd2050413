#pragma once

#include <vector>

#include "models/decoding/beam_group.h"
#include "models/decoding/constraints.h"
#include "models/decoding/search.h"

namespace banter::models {

/// Beam search: K hypotheses grow together, finished ones are set aside, and it ends when nothing
/// that still grows can beat the K-th finished one, so for a beam that holds everything the answer
/// is the true maximum.
///
/// With several groups the K are shared out, and in each step a group avoids the tokens that the
/// groups before it chose; one group is plain beam search.
/// Source   Vijayakumar et al. 2016, arXiv:1610.02424, algorithm 1, with Hamming diversity;
///          differs: what was taken off for diversity does not stay in the sums, so that replies of
///          all groups are compared by their log-probabilities
class BeamSearch : public Search {
 public:
  BeamSearch(const DecodingOptions& options, const data::SpecialIds& special, SearchInput input);

  /// One for each group: they begin alike, but each changes its own.
  [[nodiscard]] std::int64_t first_rows() const override { return std::ssize(groups_); }
  std::vector<NextRow> advance(std::span<const ScoredRow> rows) override;
  [[nodiscard]] CommittedReply committed() const override;
  std::vector<Reply> take() override;

 private:
  DecodingOptions options_;
  SearchInput input_;
  Constraints constraints_;
  std::vector<BeamGroup> groups_;
};

}  // namespace banter::models
