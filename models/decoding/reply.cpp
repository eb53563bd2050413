#include "models/decoding/reply.h"

#include <algorithm>

namespace banter::models {

std::string text_of(const Reply& reply, const data::Tokenizer& tokenizer) {
  auto text = tokenizer.decode(reply.ids);
  text.resize(text.size() - std::min(text.size(), reply.cut_bytes));
  return text;
}

std::vector<data::TokenId> said_ids(const Reply& reply, const data::Tokenizer& tokenizer) {
  const bool is_spelled_anew = reply.cut_bytes > 0 || tokenizer.pretrained() != nullptr;
  return is_spelled_anew ? tokenizer.encode(text_of(reply, tokenizer)) : reply.ids;
}

}  // namespace banter::models
