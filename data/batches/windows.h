#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/random.h"
#include "data/batches/examples.h"

namespace banter::data {

/// How many windows of `options.window` batches an epoch is cut into: `labels` in all, in `parts`
/// that stay whole. Requires   parts >= 1
inline std::uint64_t windows_of(std::uint64_t labels, std::uint64_t parts,
                                const BatchOptions& options) {
  const auto a_window = static_cast<std::uint64_t>(options.tokens_per_batch) *
                        static_cast<std::uint64_t>(options.window);
  return std::min(parts, (labels + a_window - 1) / a_window);
}

/// Throws   DataError when `window` is not below `windows`
inline void check_window(std::uint64_t window, std::uint64_t windows, const std::string& split) {
  if (window >= windows)
    throw base::DataError("split \"" + split + "\": window " + std::to_string(window) + " of " +
                          std::to_string(windows) +
                          " does not exist; the run was made with other data or batch options");
}

/// The same things in the order that `key` names.
template <typename T>
std::vector<T> permuted_by(std::uint64_t key, std::vector<T> things) {
  std::vector<T> ordered(things.size());
  for (std::size_t i = 0; i < things.size(); ++i)
    ordered[base::permuted(i, things.size(), key)] = std::move(things[i]);
  return ordered;
}

}  // namespace banter::data
