#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace banter::models {

/// A conversation that goes round in circles: from turn `from` (counted from 0) on, each turn is
/// that of `length` turns before.
struct Loop {
  std::size_t from = 0;
  std::size_t length = 0;
  bool operator==(const Loop&) const = default;
};

/// The shortest loop that `turns` end in and have gone through three times at least; nothing when
/// there is none.
std::optional<Loop> loop_at_end(std::span<const std::string> turns);

/// How many of them differ.
std::size_t count_different(std::span<const std::string> turns);

}  // namespace banter::models
