#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "data/batches/batch.h"

namespace banter::data {

using Ids = std::vector<TokenId>;

/// What a reply of a batch reads and is, laid out again as lists.
struct Seen {
  struct Source {
    Ids ids;
    std::int64_t speaker = 0, kind = 0;
    auto operator<=>(const Source&) const = default;
  };
  std::vector<Source> facts{}, context{};
  Ids decoder_input{}, labels{};
  std::int64_t speaker = 0;
  bool operator==(const Seen&) const = default;
};

inline Ids list(const torch::Tensor& row) {
  const auto values = row.contiguous();
  return {values.data_ptr<std::int64_t>(), values.data_ptr<std::int64_t>() + values.numel()};
}

inline Seen::Source source(const Batch& batch, std::int64_t row) {
  return {.ids = list(batch.turn_ids[row].masked_select(batch.turn_keep[row])),
          .speaker = batch.turn_speaker[row].item<std::int64_t>(),
          .kind = batch.turn_kind[row].item<std::int64_t>()};
}

inline std::vector<Seen::Source> sources(const Batch& batch, const torch::Tensor& rows) {
  std::vector<Seen::Source> all;
  for (const auto row : list(rows))
    if (row >= 0) all.push_back(source(batch, row));
  return all;
}

inline Seen seen(const Batch& batch, std::int64_t b) {
  const auto counted = batch.labels[b].ne(-100);
  return {.facts = sources(batch, batch.facts[b]),
          .context = sources(batch, batch.context[b]),
          .decoder_input = list(batch.decoder_input[b].masked_select(counted)),
          .labels = list(batch.labels[b].masked_select(counted)),
          .speaker = batch.reply_speaker[b].item<std::int64_t>()};
}

}  // namespace banter::data
