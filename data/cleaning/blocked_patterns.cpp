#include "data/cleaning/blocked_patterns.h"

#include <algorithm>

#include <re2/re2.h>

namespace banter::data {

struct BlockedPatterns::Impl {
  std::vector<std::unique_ptr<const RE2>> patterns;
};

std::string pattern_fault(const std::string& pattern) {
  if (pattern.empty()) return "is empty: it is in every text";
  const RE2 compiled(pattern, RE2::Quiet);
  return compiled.ok() ? "" : "is none: " + compiled.error();
}

BlockedPatterns::BlockedPatterns(const std::vector<std::string>& patterns) {
  auto impl = std::make_unique<Impl>();
  for (const auto& pattern : patterns)
    impl->patterns.push_back(std::make_unique<const RE2>(pattern, RE2::Quiet));
  impl_ = std::move(impl);
}

BlockedPatterns::~BlockedPatterns() = default;
BlockedPatterns::BlockedPatterns(BlockedPatterns&& other) noexcept = default;

const std::string* BlockedPatterns::match(std::string_view text) const {
  const auto found = std::ranges::find_if(impl_->patterns, [&](const auto& pattern) {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern);
  });
  return found == impl_->patterns.end() ? nullptr : &(*found)->pattern();
}

}  // namespace banter::data
