#pragma once

#include <cstdint>

#include <torch/types.h>

namespace banter::models {

/// Where tokens stand in their rows: how many of its tokens stand before each; padding counts for
/// none. `end` is known without asking a device for the largest of them.
struct Places {
  torch::Tensor index;   ///< (P) int64 >= 0; undefined: nobody asks
  std::int64_t end = 0;  ///< more than any of them
};

}  // namespace banter::models
