#include "models/decoding/reply.h"

#include <algorithm>

namespace banter::models {

std::string text_of(const Reply& reply, const data::Tokenizer& tokenizer) {
  auto text = tokenizer.decode(reply.ids);
  text.resize(text.size() - std::min(text.size(), reply.cut_bytes));
  return text;
}

}  // namespace banter::models
