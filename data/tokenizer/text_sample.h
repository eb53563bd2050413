#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace banter::data {

/// A seeded uniform sample of texts whose bytes stay below a bound, however many are offered.
///
/// Text number i stays when its keyed hash is among the smallest, so that the sample depends on
/// the texts, their order and the seed alone.
/// Cost     memory about `max_bytes` and 48 bytes a text; O(log n) a text
class TextSample {
 public:
  TextSample(std::uint64_t max_bytes, std::uint64_t seed);

  void add(std::string_view text);
  /// Gives the texts out in the order they were added, freeing each; call when all were added.
  std::optional<std::string> take();

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::uint64_t key;
    std::uint64_t number;
    std::string text;
  };
  static bool smaller_key(const Entry& a, const Entry& b);

  std::uint64_t max_bytes_, seed_;
  std::uint64_t offered_ = 0, bytes_ = 0;
  std::size_t taken_ = 0;
  bool dropped_ = false, sorted_ = false;
  std::vector<Entry> heap_;  ///< the largest key first
};

}  // namespace banter::data
