#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace banter::data {

/// 128 bits that stand for a text: among 10^12 different texts two have one key with a chance below
/// 10^-14.
struct Key {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const Key&) const = default;
};

/// Source   XXH3, 128 bits (Collet); no defence against texts that are made to collide
Key key_of(std::string_view text);

}  // namespace banter::data
