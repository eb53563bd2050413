#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace banter::data {

/// Encodes texts as `Tokenizer::encode` does, id for id, and remembers the ids of the words it has
/// met: no piece reaches over a space, so a text's ids are its words' ids one after the other, and
/// in a corpus nearly all words have been seen before.
///
/// Threads  one each; they may share the tokenizer
/// Cost     a look-up a known word; 2 MiB, whatever it is given
class WordEncoder {
 public:
  explicit WordEncoder(Tokenizer tokenizer);

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text);

 private:
  /// A short word and its ids, in a line of the processor's cache.
  struct alignas(64) KnownWord {
    std::uint8_t bytes = 0;  ///< of the word, 0 = none
    std::uint8_t size = 0;   ///< its ids
    std::array<char, 22> word{};
    std::array<std::int32_t, 10> ids{};

    [[nodiscard]] bool is(std::string_view text) const {
      return text == std::string_view(word.data(), bytes);
    }
    [[nodiscard]] std::span<const std::int32_t> known_ids() const { return {ids.data(), size}; }
    /// Whether both fit.
    bool keep(std::string_view text, std::span<const TokenId> its_ids);
  };
  /// The words whose hashes meet here, the one used last first.
  using Pair = std::array<KnownWord, 2>;

  void append_word(std::string_view word, std::vector<TokenId>& out);

  Tokenizer tokenizer_;
  std::vector<Pair> known_;
};

}  // namespace banter::data
