#include "data/word_encoder.h"

namespace banter::data {
namespace {
constexpr std::size_t kMaxWords = std::size_t{1} << 14;  // about 2 MB with their ids
constexpr std::size_t kMaxWordBytes = 48;                // longer ones seldom come again
}  // namespace

void WordEncoder::append_word(std::string_view word, std::vector<TokenId>& out) {
  if (word.size() > kMaxWordBytes) return tokenizer_.append_word(word, out);
  if (const auto found = known_.find(word); found != known_.end()) {
    const auto begin = ids_.begin() + found->second.begin;
    out.insert(out.end(), begin, begin + found->second.size);
    return;
  }
  const auto size = out.size();
  tokenizer_.append_word(word, out);
  if (known_.size() == kMaxWords) return;
  known_.emplace(word, Range{static_cast<std::uint32_t>(ids_.size()),
                             static_cast<std::uint32_t>(out.size() - size)});
  ids_.insert(ids_.end(), out.begin() + static_cast<std::ptrdiff_t>(size), out.end());
}

std::vector<TokenId> WordEncoder::encode(std::string_view text) {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3);
  Tokenizer::for_each_word(text, [&](std::string_view word) { append_word(word, ids); });
  return ids;
}

}  // namespace banter::data
