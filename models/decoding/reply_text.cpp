#include "models/decoding/reply_text.h"

#include <utility>

namespace banter::models {

std::string ReplyText::behind_given(const std::string& text) {
  return text.substr(std::exchange(given_, text.size()));
}

std::string ReplyText::add(std::span<const data::TokenId> ids) {
  return behind_given(tokenizer_.decode(ids));
}

std::string ReplyText::finish(const Reply& reply) {
  return behind_given(text_of(reply, tokenizer_));
}

}  // namespace banter::models
