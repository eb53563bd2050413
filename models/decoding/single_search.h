#pragma once

#include <optional>
#include <vector>

#include "models/decoding/constraints.h"
#include "models/decoding/search.h"

namespace banter::models {

/// Greedy choice, or independent samples: each row by itself. Draw t of reply r is a function of
/// (seed, r, t).
class SingleSearch : public Search {
 public:
  SingleSearch(const DecodingOptions& options, const data::SpecialIds& special, SearchInput input);

  [[nodiscard]] std::int64_t first_rows() const override { return options_.replies; }
  std::vector<NextRow> advance(std::span<const ScoredRow> rows) override;
  /// Greedy, where no log-probabilities are asked for and nothing changes the logits.
  [[nodiscard]] bool takes_candidates() const override;
  std::optional<std::vector<NextRow>> advance_among(ScreenedRow& row,
                                                    const SharedAttention& attention) override;
  [[nodiscard]] CommittedReply committed() const override;
  std::vector<Reply> take() override;

 private:
  /// A token for the reply, or -1 where nothing may follow.
  [[nodiscard]] data::TokenId choose(std::span<float> logits, std::size_t reply) const;
  /// The same of a screened row; nothing where its candidates do not tell.
  [[nodiscard]] std::optional<data::TokenId> choose_among(
      ScreenedRow& row, const std::vector<data::TokenId>& ids) const;
  /// Goes on with this token; true when the reply is at its end.
  bool append(Hypothesis& reply, const ChosenToken& token) const;

  DecodingOptions options_;
  SearchInput input_;
  Constraints constraints_;
  std::vector<Hypothesis> replies_;
  std::vector<std::size_t> running_;  ///< row -> reply
};

}  // namespace banter::models
