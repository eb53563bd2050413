#include "models/layers/words/turn_places.h"

#include <algorithm>

namespace banter::models {

TurnPlaces::TurnPlaces(const WordAttention& attention, const Packing& packing)
    : counts(packing.counts), offsets(packing.offsets) {
  const auto keep = attention.keep.index_select(0, packing.order).contiguous();  // (N,U)
  const auto N = keep.size(0), U = keep.size(1);
  turns = torch::full({N, U}, -1, torch::kLong);
  std::vector<std::int64_t> rows, turn;  // of each place: n, n * U + u
  for (std::int64_t n = 0; n < N; ++n) {
    first.push_back(std::ssize(rows));
    std::size_t position = 0;
    for (std::int64_t u = 0; u < U; ++u) {
      if (!keep.const_data_ptr<bool>()[n * U + u]) continue;
      if (by_position.size() == position) by_position.emplace_back();
      by_position[position++].push_back(std::ssize(rows));
      turns.data_ptr<std::int64_t>()[n * U + u] = std::ssize(rows);
      rows.push_back(n);
      turn.push_back(n * U + u);
    }
  }
  first.push_back(std::ssize(rows));
  row = torch::tensor(rows, torch::kLong);
  words = attention.words.index_select(0, packing.order)
              .flatten(0, 1)
              .index_select(0, torch::tensor(turn, torch::kLong))
              .contiguous();
}

std::int64_t TurnPlaces::count(std::size_t position, std::int64_t q) const {
  const auto& places = by_position[position];
  return std::ranges::lower_bound(places, q) - places.begin();
}

}  // namespace banter::models
