#include "models/decoding/search_input.h"

#include <iterator>
#include <span>

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

namespace {

/// The ids of a hypothesis whose text is part of the reply for certain: neither eos, nor a stop
/// string or what may become one.
std::span<const data::TokenId> settled_part(const Hypothesis& hypothesis, data::TokenId eos,
                                            const SearchInput& input) {
  const std::span<const data::TokenId> ids = hypothesis.ids;
  if (hypothesis.cut_bytes > 0) return input.wording->without_last(ids, hypothesis.cut_bytes);
  if (!ids.empty() && ids.back() == eos) return ids.first(ids.size() - 1);
  return input.wording ? input.wording->without_begun_stop(ids) : ids;
}

}  // namespace

CommittedReply settled_prefix(const std::vector<const Hypothesis*>& candidates, data::TokenId eos,
                              const SearchInput& input) {
  std::vector<std::span<const data::TokenId>> parts;
  parts.reserve(candidates.size());
  for (const auto* candidate : candidates) parts.push_back(settled_part(*candidate, eos, input));
  auto common = common_prefix(parts);
  if (input.wording) common = input.wording->whole_characters(common);
  CommittedReply committed{.ids = {common.begin(), common.end()}, .attention = {}};
  if (common.empty()) return committed;
  const auto& attention = candidates.front()->attention;  // the same for all, up to there
  if (!attention.empty())
    committed.attention.assign(attention.begin(), attention.begin() + std::ssize(common));
  return committed;
}

}  // namespace banter::models
