#include "models/layers/token_rows.h"

#include <algorithm>

#include "models/layers/context_rows.h"

namespace banter::models {

TokenRows TokenRows::of(const torch::Tensor& rows) const {
  return {values, keys, index.index_select(0, rows)};
}

AttendedWords attended_words(AdditiveAttentionImpl& attention, const torch::Tensor& query,
                             const TokenRows& words) {
  const auto [weights, vectors] =
      attention.look_in_groups(query, words.keys, words.values, words.index);
  return {vectors, weights};
}

torch::Tensor joined_tokens(const torch::Tensor& values, const torch::Tensor& keep,
                            const torch::Scalar& none) {
  const auto length = keep.sum(2), begin = length.cumsum(1) - length;  // (N,U)
  const auto J = std::max<std::int64_t>(1, length.sum(1).max().item<std::int64_t>());
  const auto place = begin.unsqueeze(2) + torch::arange(values.size(2), length.options());
  return torch::full({values.size(0), J + 1}, none, values.options())
      .scatter(1, place.masked_fill(keep.logical_not(), J).flatten(1), values.flatten(1))
      .narrow(1, 0, J);  // column J took what is no token
}

torch::Tensor token_weights(const torch::Tensor& sources, const torch::Tensor& words,
                            const torch::Tensor& index) {
  return joined_tokens(sources.unsqueeze(2) * words, index.ge(0), 0);
}

JoinedTokens JoinedTokens::of(const TokenRows& words) {
  const auto& index = words.index;
  const auto keep = index.ge(0);
  JoinedTokens joined;
  joined.length = keep.sum(2);
  joined.begin = joined.length.cumsum(1) - joined.length;
  const auto rows = joined_tokens(index, keep, -1);
  joined.values = rows_at(words.values, rows);
  joined.keys = rows_at(words.keys, rows);
  return joined;
}

TokenRows JoinedTokens::rows_of(const torch::Tensor& memory_row) const {
  const auto lengths = length.index_select(0, memory_row).unsqueeze(2);  // (N',U,1)
  const auto T = std::max<std::int64_t>(1, lengths.max().item<std::int64_t>());
  const auto token = torch::arange(T, memory_row.options());
  const auto first = memory_row.unsqueeze(1) * values.size(1) + begin.index_select(0, memory_row);
  const auto index = (first.unsqueeze(2) + token).masked_fill(token.ge(lengths), -1);
  return {values.flatten(0, 1), keys.flatten(0, 1), index};
}

}  // namespace banter::models
