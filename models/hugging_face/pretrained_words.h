#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/tokenizer/tokenizer.h"

namespace banter::models {

/// The rows of a pretrained table of word vectors by what their pieces stand for in a text: its
/// bytes, with a space in front where a word begins.
struct PretrainedWords {
  static constexpr std::int64_t kNone = -1;  ///< no row

  std::filesystem::path file;  ///< that they were read from
  std::unordered_map<std::string, std::int64_t> rows;
  std::int64_t begin = kNone, end = kNone, unk = kNone;  ///< of the marks around and in a text
  bool cuts_off_marks = false;  ///< punctuation and Han characters are words of their own
  bool is_small = false;        ///< texts are read in small letters

  /// The row for one of our pieces by its surface, or kNone.
  [[nodiscard]] std::int64_t row_of(const std::string& surface) const;
};

/// Reads the vocabulary of a folder for a table with `rows` rows; nothing where there is none.
///
/// Files    tokenizer.json (WordPiece, byte-level or SentencePiece-like BPE, Unigram); vocab.txt
///          (WordPiece, "##" inside words); vocab.json (byte-level BPE, "Ġ" before words);
///          sentencepiece.bpe.model, whose pieces stand 1 row behind their own ids where the table
///          has 2 rows more (XLM-R), 4 where it has 5 more (CamemBERT)
/// Throws   FileError; DataError naming the file: another form, more pieces than rows, or a
///          SentencePiece model of another table
/// Source   transformers 5.24, tokenization_bert.py, _roberta.py, _xlm_roberta.py, _camembert.py;
///          bytes of "Ġ": openai/gpt-2, src/encoder.py
std::optional<PretrainedWords> read_pretrained_words(const std::filesystem::path& folder,
                                                     std::int64_t rows);

/// Which row each id of a tokenizer takes. Our pad takes none: its vector is zero.
struct WordRows {
  std::vector<std::int64_t> row;  ///< by id; PretrainedWords::kNone = it starts fresh
  std::int64_t pieces = 0;        ///< ids that stand for text, those of bytes aside
  std::int64_t copied = 0;        ///< of them
};

/// By the surface of what stands for text; of the special ids bos takes the mark that begins a
/// text, eos and turn_end the one that ends it, unk its own.
WordRows rows_of_words(const PretrainedWords& words, const data::Tokenizer& tokenizer);

}  // namespace banter::models
