#pragma once

#include <cstdint>
#include <vector>

namespace banter::data {

/// Where a stream of batches is: any place is reached at once.
struct Position {
  std::uint64_t epoch = 0, window = 0, batch = 0;
  bool operator==(const Position&) const = default;
};

/// Where a mix of streams is.
struct MixPosition {
  std::uint64_t batches = 0;     ///< given so far
  std::vector<Position> splits;  ///< of each one's stream
  bool operator==(const MixPosition&) const = default;
};

}  // namespace banter::data
