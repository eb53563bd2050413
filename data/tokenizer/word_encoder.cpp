#include "data/tokenizer/word_encoder.h"

#include <algorithm>
#include <utility>

#include <xxhash.h>

namespace banter::data {
namespace {
constexpr std::size_t kPairs = std::size_t{1} << 14;
}

WordEncoder::WordEncoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)), known_(kPairs) {}

bool WordEncoder::KnownWord::keep(std::string_view text, std::span<const TokenId> its_ids) {
  if (text.size() > word.size() || its_ids.size() > ids.size()) return false;
  bytes = static_cast<std::uint8_t>(text.copy(word.data(), word.size()));
  size = static_cast<std::uint8_t>(its_ids.size());
  std::ranges::transform(its_ids, ids.begin(),
                         [](TokenId id) { return static_cast<std::int32_t>(id); });
  return true;
}

void WordEncoder::append_word(std::string_view word, std::vector<TokenId>& out) {
  auto& [latest, earlier] = known_[XXH3_64bits(word.data(), word.size()) % kPairs];
  if (!latest.is(word)) {
    if (!earlier.is(word)) {
      const auto before = out.size();
      tokenizer_.append_word(word, out);
      KnownWord learnt;
      if (learnt.keep(word, std::span(out).subspan(before)))
        earlier = std::exchange(latest, learnt);
      return;
    }
    std::swap(latest, earlier);
  }
  const auto ids = latest.known_ids();
  out.insert(out.end(), ids.begin(), ids.end());
}

std::vector<TokenId> WordEncoder::encode(std::string_view text) {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3);
  Tokenizer::for_each_word(text, [&](std::string_view word) { append_word(word, ids); });
  return ids;
}

}  // namespace banter::data
