#include "models/decoding/search_input.h"

namespace banter::models {

std::string fault_of_prefix(const std::vector<data::TokenId>& prefix,
                            const DecodingOptions& options) {
  if (std::ssize(prefix) < options.max_new_tokens) return "";
  return "has " + std::to_string(prefix.size()) + " tokens, but a reply at most " +
         std::to_string(options.max_new_tokens) + " (max_new_tokens), one of them its own";
}

std::span<const data::TokenId> settled_part(const Hypothesis& finished, data::TokenId eos,
                                            const SearchInput& input) {
  const std::span<const data::TokenId> ids = finished.ids;
  if (finished.cut_bytes > 0) return input.wording->without_last(ids, finished.cut_bytes);
  return ids.first(ids.size() - (!ids.empty() && ids.back() == eos ? 1 : 0));
}

std::vector<data::TokenId> settled_prefix(
    const std::vector<std::span<const data::TokenId>>& candidates, const SearchInput& input) {
  auto common = common_prefix(candidates);
  if (input.wording) common = input.wording->settled(common);
  return {common.begin(), common.end()};
}

}  // namespace banter::models
