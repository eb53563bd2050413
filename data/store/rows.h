#pragma once

#include <bit>
#include <cstdint>

/// The fixed-width rows of a store's files, as they lie on disk (little-endian).
///
/// Each file of rows ends in one row more than there are things, so that every range is the
/// difference of two neighbours:
///
///     dialogues.bin  DialogueRow -> turns.bin        TurnRow       -> tokens.bin
///                                -> facts.bin        FactRow       -> fact_tokens.bin
///                                -> distractors.bin  DistractorRow -> distractor_tokens.bin
///                                -> texts.bin        id, then the rest of the record as JSON
///     pairs.bin      PairRow     -> pair_tokens.bin, pair_texts.bin
///
/// Ids of tokens are uint16, or uint32 where the vocabulary asks for it.
namespace banter::data {

static_assert(std::endian::native == std::endian::little, "stores are read in place");

inline constexpr std::int64_t kStoreVersion = 3;
inline constexpr const char* kStoreFormat = "banter store";
inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kTokenizerFile = "tokenizer.model";

struct DialogueRow {
  std::uint64_t first_turn;
  std::uint64_t first_fact;
  std::uint64_t first_distractor;
  std::uint64_t text_begin;  ///< in texts.bin
  std::uint32_t id_bytes;    ///< the id is the text's first bytes
  std::uint32_t unused;      ///< 0
};
static_assert(sizeof(DialogueRow) == 40);

struct TurnRow {
  std::uint64_t token_begin;  ///< in ids
  std::uint32_t words;        ///< of the text
  std::uint32_t bytes;        ///< of the text, UTF-8
  std::uint16_t speaker;      ///< 0 = unknown, 1 = A, ...
  std::uint16_t unused[3];    ///< 0
};
static_assert(sizeof(TurnRow) == 24);

struct FactRow {
  std::uint64_t token_begin;
  std::uint16_t speaker;
  std::uint16_t unused[3];
};
static_assert(sizeof(FactRow) == 16);

struct DistractorRow {
  std::uint64_t token_begin;
  std::uint64_t turn;  ///< number in the split of the turn that it stands beside; they only grow
};
static_assert(sizeof(DistractorRow) == 16);

struct PairRow {
  std::uint64_t premise_begin;     ///< in ids
  std::uint64_t hypothesis_begin;  ///< and where the premise ends
  std::uint64_t text_begin;        ///< in pair_texts.bin
  std::uint32_t id_bytes;          ///< the id is the text's first bytes
  std::uint32_t label;             ///< a Label
};
static_assert(sizeof(PairRow) == 32);

}  // namespace banter::data
