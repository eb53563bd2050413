#pragma once

#include <vector>

#include "models/decoding/constraints.h"
#include "models/decoding/search.h"

namespace banter::models {

/// Greedy choice, or independent samples: each row by itself. Draw t of reply r is a function of
/// (seed, r, t).
class SingleSearch : public Search {
 public:
  SingleSearch(const DecodingOptions& options, const data::SpecialIds& special);

  [[nodiscard]] std::int64_t first_rows() const override { return options_.replies; }
  std::vector<NextRow> advance(std::span<const ScoredRow> rows) override;
  std::vector<Reply> take() override;

 private:
  [[nodiscard]] data::TokenId choose(std::span<const float> logits, std::size_t reply,
                                     std::size_t token) const;

  DecodingOptions options_;
  Constraints constraints_;
  std::vector<Hypothesis> replies_;
  std::vector<std::size_t> running_;  ///< row -> reply
};

}  // namespace banter::models
