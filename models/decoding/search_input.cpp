#include "models/decoding/search_input.h"

namespace banter::models {

std::string fault_of_prefix(const std::vector<data::TokenId>& prefix,
                            const DecodingOptions& options, const data::SpecialIds& special) {
  if (std::ssize(prefix) < options.max_new_tokens) return "";
  const auto most = std::to_string(options.max_new_tokens);
  const bool is_begun = !prefix.empty() && prefix.front() == special.reply_begin;
  if (is_begun && prefix.size() == 1)
    return "max_new_tokens is " + most +
           ", but every reply of this model begins with a token of its vocabulary's: set it to 2 "
           "or more";
  return "the prefix has " + std::to_string(prefix.size()) + " tokens" +
         (is_begun ? ", with the one that every reply of this model begins with" : "") +
         ", but a reply at most " + most + " (max_new_tokens), one of them its own";
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
