#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <boost/json.hpp>

namespace banter::data {

/// How much of everything a split holds: its manifest, and where its next row begins.
struct SplitCounts {
  std::uint64_t dialogues = 0, turns = 0, tokens = 0;
  std::uint64_t words = 0, bytes = 0;  ///< of the texts of turns
  std::uint64_t facts = 0, fact_tokens = 0;
  std::uint64_t distractors = 0, distractor_tokens = 0;
  std::uint64_t text_bytes = 0;
  std::uint64_t pairs = 0, pair_tokens = 0, pair_text_bytes = 0;

  [[nodiscard]] std::uint64_t records() const { return dialogues + pairs; }
  [[nodiscard]] boost::json::object to_json() const;
  /// Throws   DataError when a count is missing or negative
  static SplitCounts from(const boost::json::object& about, std::string_view where);
  SplitCounts& operator+=(const SplitCounts& other);
};

}  // namespace banter::data
