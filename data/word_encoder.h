#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/tokenizer.h"

namespace banter::data {

/// Encodes texts as `Tokenizer::encode` does, id for id, and remembers the ids of the words it has
/// met: no piece reaches over a space, so a text's ids are its words' ids one after the other, and
/// in a corpus nearly all words have been seen before.
///
/// Threads  one each; they may share the tokenizer
/// Cost     a look-up a known word; memory bounded, whatever it is given
class WordEncoder {
 public:
  explicit WordEncoder(Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Range {
    std::uint32_t begin = 0, size = 0;
  };
  void append_word(std::string_view word, std::vector<TokenId>& out);

  Tokenizer tokenizer_;
  std::unordered_map<std::string, Range, Hash, std::equal_to<>> known_;
  std::vector<TokenId> ids_;  ///< of the known words
};

}  // namespace banter::data
