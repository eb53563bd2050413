#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

/// Randomness as pure functions of integers: no generator state, so nothing has to be saved, and
/// the same numbers on every machine (the standard distributions promise neither).
namespace banter::base {

/// Mixes 64 bits so that every input bit reaches every output bit. A bijection.
/// Source   Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64)
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// Joins two keys into one; the order matters.
constexpr std::uint64_t join_keys(std::uint64_t a, std::uint64_t b) {
  return mix64(mix64(a) ^ (b + 0xD1B54A32D192ED03ULL));
}

/// A key from text.
/// Source   FNV-1a (Fowler, Noll, Vo), 64 bits
constexpr std::uint64_t key_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

/// A number in [0, 1) with 53 random bits from one key.
constexpr double to_unit(std::uint64_t key) {
  return static_cast<double>(mix64(key) >> 11) * 0x1.0p-53;
}

/// Where element `index` of `size` stands in the order that `key` names: a bijection on
/// [0, size). Same arguments, same answer, on every machine.
///
/// Throws   nothing; requires index < size
/// Cost     no table; O(1) expected
/// Source   a Feistel network on the next even power of two, walked until it falls inside
///          (Black and Rogaway 2002, "Ciphers with arbitrary finite domains", cycle walking)
constexpr std::uint64_t permuted(std::uint64_t index, std::uint64_t size, std::uint64_t key) {
  const auto half = static_cast<unsigned>((std::bit_width(size - 1) + 1) / 2);
  const std::uint64_t low = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = index >> half;
    std::uint64_t right = index & low;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mix64(right ^ mix64(key + round)) & low);
      left = right;
      right = next;
    }
    index = (left << half) | right;
  } while (index >= size);
  return index;
}

}  // namespace banter::base
