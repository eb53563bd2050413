#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace banter::data {

/// What is wrong with a pattern ("is none: " and RE2's own words), or "".
std::string pattern_fault(const std::string& pattern);

/// Regular expressions of texts that are not wanted, in RE2's syntax: a match takes time linear in
/// the text, whatever the pattern, so neither a recipe nor a corpus can make reading slow.
class BlockedPatterns {
 public:
  /// Requires patterns without fault.
  explicit BlockedPatterns(const std::vector<std::string>& patterns);
  ~BlockedPatterns();
  BlockedPatterns(BlockedPatterns&& other) noexcept;
  BlockedPatterns& operator=(BlockedPatterns&&) = delete;

  /// The first pattern that matches somewhere in the text; nullptr = none does.
  [[nodiscard]] const std::string* match(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace banter::data
