#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "train/ranks/ranks.h"

namespace banter::train {

/// Whether process `ranks` makes row `number` of those that all share out.
inline bool makes_row(const Ranks& ranks, std::size_t number) {
  return number % static_cast<std::size_t>(ranks.size()) == static_cast<std::size_t>(ranks.rank());
}

/// Rows of sums, of which each process has made those that `makes_row` says and left the others 0:
/// all of them everywhere. Exact, for each number is added to zeros alone.
///
/// Row      a struct of doubles
/// Returns  false when one of the processes was `stopped`; then rows are as they were, and there
///          need not be equally many
template <typename Row>
bool share_rows(Ranks& ranks, std::vector<Row>& rows, bool stopped) {
  static_assert(std::is_trivially_copyable_v<Row> && sizeof(Row) % sizeof(double) == 0);
  std::array<std::int64_t, 1> stops = {stopped ? 1 : 0};
  ranks.sum(stops);
  if (stops[0] > 0) return false;
  if (ranks.size() == 1 || rows.empty()) return true;
  std::vector<double> numbers(rows.size() * sizeof(Row) / sizeof(double));
  std::memcpy(numbers.data(), rows.data(), rows.size() * sizeof(Row));
  ranks.sum(numbers);
  std::memcpy(static_cast<void*>(rows.data()), numbers.data(), rows.size() * sizeof(Row));
  return true;
}

}  // namespace banter::train
