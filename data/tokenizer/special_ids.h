#pragma once

#include <cstdint>

namespace banter::data {

using TokenId = std::int64_t;

/// Ids that our own code puts in; no text encodes to one of them. Read from the tokenizer's
/// record, because pretrained vocabularies have their own.
struct SpecialIds {
  static constexpr std::int64_t kSpeakers = 8;  ///< named speakers A to H; later ones share H
  static constexpr TokenId kNone = -1;          ///< an id that a vocabulary does not have

  TokenId pad = 0;       ///< fills tensors; row 0 of embeddings is zero
  TokenId unk = 1;       ///< what has no piece (never with byte fallback)
  TokenId bos = 2;       ///< first decoder input
  TokenId eos = 3;       ///< last label of a reply
  TokenId turn_end = 4;  ///< last id of every turn
  TokenId persona = 5;   ///< first id of every persona fact
  TokenId unknown_speaker = 6;
  TokenId first_speaker = 7;      ///< A; B follows, and so on, `kSpeakers` of them
  TokenId context_begin = kNone;  ///< stands before all that flat models read
  TokenId context_end = kNone;    ///< stands behind it
  TokenId reply_begin = kNone;    ///< first label of every reply

  [[nodiscard]] TokenId count() const { return first_speaker + kSpeakers; }
  bool operator==(const SpecialIds&) const = default;
};

}  // namespace banter::data
