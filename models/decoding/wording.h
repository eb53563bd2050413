#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/tokenizer.h"
#include "models/decoding/options.h"

namespace banter::models {

/// What a search knows of the texts behind ids: which phrases are never said, and at which strings
/// a reply ends. Both are found in the text, whatever pieces it is spelt by. Made once for all
/// requests under the same options; thread-safe.
class Wording {
 public:
  using Ids = std::vector<data::TokenId>;

  Wording(const DecodingOptions& options, const data::Tokenizer& tokenizer);
  /// `surfaces`: the bytes that each id adds to a text; `block`, `stop`: as in DecodingOptions.
  Wording(std::vector<std::string> surfaces, std::vector<std::string> block,
          std::vector<std::string> stop);

  /// The ids whose own text holds a blocked phrase.
  [[nodiscard]] const Ids& blocked() const { return blocked_; }
  /// The ids that would end a blocked phrase which `ids` have begun, with or without more behind
  /// it. A text begins as behind a space: a phrase with a space in front is found there too.
  [[nodiscard]] Ids blocked_after(std::span<const data::TokenId> ids) const;

  /// The bytes from the first stop string that ends in the last id to the end of the text of `ids`;
  /// 0 when none does.
  [[nodiscard]] std::size_t stopped_bytes(std::span<const data::TokenId> ids) const;

  /// `ids` without the last ones, where a stop string may have begun that more ids end.
  [[nodiscard]] std::span<const data::TokenId> without_begun_stop(
      std::span<const data::TokenId> ids) const;
  /// `ids` without the last ones, where a character of several byte pieces has begun.
  [[nodiscard]] std::span<const data::TokenId> whole_characters(
      std::span<const data::TokenId> ids) const;

  /// `ids` without the last ones that write any of the last `bytes` bytes.
  [[nodiscard]] std::span<const data::TokenId> without_last(std::span<const data::TokenId> ids,
                                                            std::size_t bytes) const;

 private:
  /// The end of the text of `ids`: at least its last `bytes` bytes, or all of it.
  [[nodiscard]] std::string end_of_text(std::span<const data::TokenId> ids,
                                        std::size_t bytes) const;
  [[nodiscard]] std::string_view surface(data::TokenId id) const;

  std::vector<std::string> surfaces_;
  std::vector<std::string> block_, stop_;
  std::size_t longest_block_ = 0, longest_stop_ = 0;  ///< bytes
  Ids blocked_;
  Ids by_surface_;  ///< all ids, by their surfaces; when something is blocked
};

}  // namespace banter::models
