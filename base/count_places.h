#pragma once

#include <cstddef>
#include <cstdint>

namespace banter::base {

/// How many of the places from `begin` to `end` are such that `is(std::size_t)`. It is asked for a
/// block of them without branches, so that compilers ask for all of the block at once.
template <typename Is>
std::size_t count_places(std::size_t begin, std::size_t end, const Is& is) {
  constexpr std::size_t kBlock = 16;  // bytes of a vector register
  std::size_t count = 0;
  for (; begin + kBlock <= end; begin += kBlock) {
    std::uint8_t of_block = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
      of_block = static_cast<std::uint8_t>(of_block + (is(begin + i) ? 1 : 0));
    count += of_block;
  }
  for (; begin < end; ++begin) count += is(begin) ? 1 : 0;
  return count;
}

}  // namespace banter::base
