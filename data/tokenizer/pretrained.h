#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/special_ids.h"

namespace banter::data {

/// What the SentencePiece models of a vocabulary that was made elsewhere do not say: its ids, which
/// are not theirs, and which of them stand for no text. Kept beside them as `tokenizer.json`.
struct PretrainedVocabulary {
  std::vector<std::string> pieces;  ///< by id; "" = an id that has none; no two others are equal
  SpecialIds special;               ///< pad, unk, bos, eos and turn_end are there, others may be
  std::vector<TokenId> marks;       ///< rising: ids whose pieces stand for no text and are spelt by
                                    ///< none, special ids included
  bool leading_marks = false;       ///< but a text may begin with a mark in >>such brackets<<

  /// Reads what `json` gives. Throws   DataError "<where>: ..." when it is not that, or as
  /// `check`
  static PretrainedVocabulary parse(std::string_view text, std::string_view where);
  /// One line; equal vocabularies give equal bytes.
  [[nodiscard]] std::string json() const;

  /// Throws   DataError "<where>: ..." unless it is what its fields promise
  void check(std::string_view where) const;
  [[nodiscard]] bool is_mark(TokenId id) const;
  bool operator==(const PretrainedVocabulary&) const = default;
};

/// All of a tokenizer that was made elsewhere.
struct PretrainedTokenizer {
  std::string model;        ///< SentencePiece, of contexts
  std::string reply_model;  ///< of replies; "" = the same
  PretrainedVocabulary vocabulary;
};

/// The pieces of a SentencePiece model by its own ids. Throws   DataError when it is none
std::vector<std::string> pieces_of(const std::string& model);

}  // namespace banter::data
