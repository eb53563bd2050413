#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "models/decoding/reply.h"

namespace banter::models {

/// The text of a reply that is still being written, in the pieces in which it becomes certain.
/// Together they are `text_of` the reply.
class ReplyText {
 public:
  /// `tokenizer` must outlive this.
  explicit ReplyText(const data::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// What `ids` say behind what was given before. `ids`: those of `Search::committed`, of a search
  /// that has a wording.
  std::string add(std::span<const data::TokenId> ids);
  /// What is left of the finished reply.
  std::string finish(const Reply& reply);

 private:
  std::string behind_given(const std::string& text);

  const data::Tokenizer& tokenizer_;
  std::size_t given_ = 0;  ///< bytes
};

}  // namespace banter::models
