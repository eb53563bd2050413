#include "models/decoding/search_input.h"

namespace banter::models {

std::string fault_of_prefix(const std::vector<data::TokenId>& prefix,
                            const DecodingOptions& options) {
  if (std::ssize(prefix) < options.max_new_tokens) return "";
  return "has " + std::to_string(prefix.size()) + " tokens, but a reply at most " +
         std::to_string(options.max_new_tokens) + " (max_new_tokens), one of them its own";
}

std::span<const data::TokenId> settled_part(const Hypothesis& hypothesis, data::TokenId eos,
                                            const SearchInput& input) {
  const std::span<const data::TokenId> ids = hypothesis.ids;
  if (hypothesis.cut_bytes > 0) return input.wording->without_last(ids, hypothesis.cut_bytes);
  if (!ids.empty() && ids.back() == eos) return ids.first(ids.size() - 1);
  return input.wording ? input.wording->without_begun_stop(ids) : ids;
}

std::vector<data::TokenId> settled_prefix(const std::vector<std::span<const data::TokenId>>& parts,
                                          const SearchInput& input) {
  auto common = common_prefix(parts);
  if (input.wording) common = input.wording->whole_characters(common);
  return {common.begin(), common.end()};
}

}  // namespace banter::models
