#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/pretrained.h"
#include "data/tokenizer/special_ids.h"

namespace banter::data {

class TextSample;

/// U+2581, by which pieces write a space.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// How a tokenizer is trained. Read from `data.tokenizer`.
struct TokenizerOptions {
  std::string path =
      {};  ///< a tokenizer made first (`--tokenizer-only`); the rest is not used then
  std::string type = "unigram";    ///< unigram|bpe
  std::int64_t vocab_size = 8000;  ///< ids in all, special and byte ids included; an upper bound
  double character_coverage = 0.9995;  ///< share of characters that get a piece; bytes for the rest
  std::int64_t sample_bytes = 4'000'000;  ///< of text, a seeded sample of turns; training needs
                                          ///< about 25 times as much memory
  std::uint64_t seed = 1;                 ///< of that sample
};

/// SentencePiece with our special ids: any valid UTF-8 without NUL encodes and decodes back byte
/// for byte. Or, under the same roof, a vocabulary that was made elsewhere: it normalises texts as
/// its own models do, and what has no piece becomes unk. Thread-safe once made.
class Tokenizer {
 public:
  /// Reads a model from memory (bytes that were hash-checked before).
  /// Throws   DataError when it is no SentencePiece model or lacks our special symbols
  explicit Tokenizer(std::string model);
  /// A vocabulary that was made elsewhere. Throws   DataError when it has no SentencePiece model
  explicit Tokenizer(PretrainedTokenizer pretrained);

  /// Reads FILE. Throws   FileError, DataError
  static Tokenizer open(const std::filesystem::path& file);
  /// The tokenizer of a checkpoint: `tokenizer.model`, with `tokenizer.json` and, where replies
  /// have a model of their own, `reply_tokenizer.model` beside it when it was made elsewhere.
  /// Throws   FileError, DataError
  static Tokenizer open_folder(const std::filesystem::path& folder);
  /// Writes those files. Throws   FileError
  void write_to(const std::filesystem::path& folder) const;

  /// Trains on texts that `next` gives until it gives nothing.
  /// Returns  the serialized model. Throws   DataError when there is no text
  static std::string train(const TokenizerOptions& options,
                           const std::function<std::optional<std::string>()>& next);
  /// The same from a sample that was made before; it is empty afterwards.
  static std::string train(const TokenizerOptions& options, TextSample& sample);

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text) const;  ///< never a special id
  /// The same for what stands in a reply: some pretrained vocabularies spell it by other pieces.
  [[nodiscard]] std::vector<TokenId> encode_reply(std::string_view text) const;
  /// How the labels of a reply begin that begins with `text`: with `reply_begin`, where there is
  /// one.
  [[nodiscard]] std::vector<TokenId> begin_reply(std::string_view text) const;

  /// Cuts a text, with the space that `encode` puts in front of it, into words, each with the space
  /// before it; a U+2581 in the text is a word of its own.
  template <typename Take>
  static void for_each_word(std::string_view text, Take&& take);
  /// Encodes one such word behind `out`. The ids of a text are those of its words, since no piece
  /// reaches over a space. Not of a pretrained vocabulary, which spells texts as a whole.
  void append_word(std::string_view word, std::vector<TokenId>& out) const;
  /// Special ids vanish; ids outside the vocabulary throw DataError. The result is valid UTF-8:
  /// byte pieces that make none, and NUL (a model may emit them), become U+FFFD.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids) const;
  [[nodiscard]] std::string piece(TokenId id) const;
  /// The bytes that an id of the vocabulary adds to a text before it is repaired and loses its
  /// first space; none for a special id.
  [[nodiscard]] const std::string& surface(TokenId id) const;

  [[nodiscard]] std::int64_t vocab_size() const;
  [[nodiscard]] const SpecialIds& special() const { return special_; }
  [[nodiscard]] bool is_byte(TokenId id) const;    ///< a byte-fallback piece
  [[nodiscard]] const std::string& model() const;  ///< the serialized bytes
  [[nodiscard]] const std::string& hash() const;   ///< SHA-256 of all that it was made of, hex
  /// What it was made of when it was made elsewhere, else nothing.
  [[nodiscard]] const PretrainedTokenizer* pretrained() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
  SpecialIds special_;
};

template <typename Take>
void Tokenizer::for_each_word(std::string_view text, Take&& take) {
  std::string first;  // without a space of its own in the text
  std::size_t at = 0;
  auto mark = text.find(kSpaceMark);
  for (bool at_start = true; at < text.size(); at_start = false) {
    if (at == mark) {
      if (at_start) take(std::string_view(" "));
      take(text.substr(at, kSpaceMark.size()));
      at += kSpaceMark.size();
      mark = text.find(kSpaceMark, at);
      continue;
    }
    const auto from = !at_start && text[at] == ' ' ? at + 1 : at;
    const auto end = std::min({text.find(' ', from), mark, text.size()});
    if (at_start) {
      first.assign(1, ' ').append(text.substr(0, end));
      take(std::string_view(first));
    } else {
      take(text.substr(at, end - at));
    }
    at = end;
  }
}

}  // namespace banter::data
