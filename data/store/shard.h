#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace banter::data {

/// Which part of a store: the first of three is 0 of 3.
struct Shard {
  std::uint32_t index = 0, count = 1;

  [[nodiscard]] bool is_whole() const { return count == 1; }
  /// Whether thing number `number` of many is in this part.
  [[nodiscard]] bool has(std::uint64_t number) const { return number % count == index; }
  /// "shard-0-of-3": the folder in the store's that holds it.
  [[nodiscard]] std::string folder_name() const;
  /// Reads "0/3". Throws   UsageError
  static Shard from(std::string_view text);
};

}  // namespace banter::data
