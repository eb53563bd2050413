#include "models/hugging_face/pretrained_words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/utf8.h"
#include "data/cleaning/unicode_text.h"
#include "models/hugging_face/json_file.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using base::DataError;
using data::kSpaceMark;
using data::TokenId;

/// A vocabulary as a file lists it: pieces with their rows.
using Pieces = std::vector<std::pair<std::string, std::int64_t>>;

enum class Spelling { kWordPiece, kByteLevel, kSentencePiece };

// ---- surfaces -----------------------------------------------------------------------------------

constexpr std::string_view kInsideWord = "##";

std::string word_piece_surface(std::string_view piece) {
  if (piece.starts_with(kInsideWord) && piece.size() > kInsideWord.size())
    return std::string(piece.substr(kInsideWord.size()));
  return " " + std::string(piece);
}

/// "<0x41>" -> "A"
std::optional<char> byte_of(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || !piece.ends_with('>')) return {};
  unsigned value = 0;
  const auto digits = piece.substr(3, 2);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return {};
  return static_cast<char>(value);
}

std::string sentence_piece_surface(std::string_view piece) {
  std::string surface(piece);
  for (auto at = surface.find(kSpaceMark); at != std::string::npos; at = surface.find(kSpaceMark))
    surface.replace(at, kSpaceMark.size(), " ");
  return surface;
}

/// Whether GPT-2's bytes are written as the character of their own number.
constexpr bool is_own_character(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

/// The byte of each character that byte-level pieces are written in; the others have the numbers
/// from 256, in order.
std::array<int, 512> bytes_by_character() {
  std::array<int, 512> bytes{};
  bytes.fill(-1);
  std::size_t other = 256;
  for (int byte = 0; byte < 256; ++byte)
    bytes[is_own_character(byte) ? static_cast<std::size_t>(byte) : other++] = byte;
  return bytes;
}

/// "" for what is not written so: a mark that stands for no text.
std::string byte_level_surface(std::string_view piece) {
  static const auto bytes = bytes_by_character();
  std::string surface;
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const auto lead = static_cast<unsigned char>(piece[i]);
    std::size_t character = lead;
    if (lead >= 0xC0 && lead < 0xE0 && i + 1 < piece.size())
      character = ((lead & 0x1FU) << 6U) | (static_cast<unsigned char>(piece[++i]) & 0x3FU);
    if (lead >= 0xE0 || character >= bytes.size() || bytes[character] < 0) return "";
    surface += static_cast<char>(bytes[character]);
  }
  return surface;
}

std::string surface_of(Spelling spelling, std::string_view piece) {
  if (spelling == Spelling::kWordPiece) return word_piece_surface(piece);
  if (spelling == Spelling::kByteLevel) return byte_level_surface(piece);
  return sentence_piece_surface(piece);
}

/// Whether a word piece's tokenizer makes a word of its own of this.
bool is_cut_off(const std::string& surface) {
  if (surface.starts_with(' ') || base::first_bad_utf8(surface) ||
      base::count_code_points(surface) != 1)
    return false;
  static const auto han = data::script_named("Han");
  const auto scripts = data::letters_by_script(surface);
  if (!scripts.empty()) return scripts.front().script == han;
  std::string said;
  data::append_letters_and_digits(surface, said);
  return said.empty();
}

// ---- files --------------------------------------------------------------------------------------

std::int64_t row_in(const json::value& value, std::string_view piece, const std::string& where) {
  const auto* row = value.if_int64();
  if (row == nullptr || *row < 0)
    throw DataError(where + ": the id of \"" + base::printable(piece) +
                    "\" must be a whole number from 0");
  return *row;
}

Pieces pieces_of_object(const json::object& ids, const std::string& where) {
  Pieces pieces;
  for (const auto& [piece, row] : ids) pieces.emplace_back(piece, row_in(row, piece, where));
  return pieces;
}

/// Unigram's: [["piece", score], ...], by row.
Pieces pieces_of_list(const json::array& list, const std::string& where) {
  Pieces pieces;
  for (const auto& entry : list) {
    const auto* pair = entry.if_array();
    if (pair == nullptr || pair->empty() || !pair->front().is_string())
      throw DataError(where + ": its \"vocab\" is no list of pieces with their scores");
    pieces.emplace_back(std::string(pair->front().get_string()), std::ssize(pieces));
  }
  return pieces;
}

bool mentions(const json::object& record, std::string_view key, std::string_view what) {
  const auto* value = record.if_contains(key);
  return value != nullptr && json::serialize(*value).find(what) != std::string::npos;
}

struct Read {
  Spelling spelling = Spelling::kWordPiece;
  Pieces pieces;
  bool is_small = false;
};

Read read_tokenizer_json(const fs::path& file) {
  const auto where = file.string();
  const auto record = read_json_file(file);
  const auto& model = base::as_object(base::field(record, "model", where), where);
  const auto type = base::string_field(model, "type", where);
  Read read;
  if (type == "Unigram") {
    read.spelling = Spelling::kSentencePiece;
    read.pieces = pieces_of_list(base::array_field(model, "vocab", where), where);
  } else if (type == "WordPiece" || type == "BPE") {
    const bool is_byte_level = mentions(record, "pre_tokenizer", "\"ByteLevel\"") ||
                               mentions(record, "decoder", "\"ByteLevel\"");
    if (type == "BPE")
      read.spelling = is_byte_level ? Spelling::kByteLevel : Spelling::kSentencePiece;
    read.is_small = mentions(record, "normalizer", "\"lowercase\":true");
    read.pieces =
        pieces_of_object(base::as_object(base::field(model, "vocab", where), where), where);
  } else {
    throw DataError(where + ": its model is \"" + base::printable(type) +
                    "\"; WordPiece, BPE and Unigram are read");
  }
  return read;
}

/// Whether a vocabulary has no capital, but in the names of marks: its texts were lowered.
bool has_no_capital(const Pieces& pieces) {
  return std::ranges::none_of(pieces, [](const auto& item) {
    return !item.first.starts_with('[') &&
           std::ranges::any_of(item.first, [](char c) { return c >= 'A' && c <= 'Z'; });
  });
}

Read read_vocab_txt(const fs::path& file) {
  Read read;
  const auto text = base::read_file(file);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto length = end - at - (end > at && text[end - 1] == '\r' ? 1 : 0);
    read.pieces.emplace_back(text.substr(at, length), std::ssize(read.pieces));
    at = end + 1;
  }
  const auto config = read_json_file_if_there(file.parent_path() / "tokenizer_config.json");
  const auto* small = config.if_contains("do_lower_case");
  read.is_small = small == nullptr ? has_no_capital(read.pieces) : *small == json::value(true);
  return read;
}

Read read_vocab_json(const fs::path& file) {
  return {.spelling = Spelling::kByteLevel,
          .pieces = pieces_of_object(read_json_file(file), file.string())};
}

/// fairseq's own ids stand before the pieces, and <mask> behind them.
Read read_sentence_piece(const fs::path& file, std::int64_t rows) {
  constexpr std::array<std::string_view, 3> kControls = {"<unk>", "<s>", "</s>"};
  std::vector<std::string> own;
  try {
    own = data::pieces_of(base::read_file(file));
  } catch (const DataError& error) {
    throw DataError(file.string() + ": " + error.what());
  }
  const auto count = std::ssize(own);
  if (own.size() < kControls.size() || !std::ranges::equal(kControls, std::span(own).first(3)))
    throw DataError(file.string() + ": does not begin with <unk>, <s> and </s>");
  Read read{.spelling = Spelling::kSentencePiece, .pieces = {}};
  std::int64_t offset = 0;
  if (rows == count + 2) {  // XLM-R
    offset = 1;
    read.pieces = {{"<s>", 0}, {"</s>", 2}, {"<unk>", 3}};
  } else if (rows == count + 5) {  // CamemBERT
    offset = 4;
    read.pieces = {{"<unk>", 3}, {"<s>", 5}, {"</s>", 6}};
  } else {
    throw DataError(file.string() + ": has " + std::to_string(count) +
                    " pieces, but the table of words has " + std::to_string(rows) +
                    " rows, not 2 more as XLM-R or 5 more as CamemBERT: it is of another model");
  }
  for (std::int64_t id = std::ssize(kControls); id < count; ++id)
    read.pieces.emplace_back(own[static_cast<std::size_t>(id)], id + offset);
  return read;
}

std::optional<Read> read_any(const fs::path& folder, std::int64_t rows, fs::path& file) {
  const auto is_there = [&](const char* name) { return fs::exists(file = folder / name); };
  if (is_there("tokenizer.json")) return read_tokenizer_json(file);
  if (is_there("vocab.txt")) return read_vocab_txt(file);
  if (is_there("vocab.json")) return read_vocab_json(file);
  if (is_there("sentencepiece.bpe.model")) return read_sentence_piece(file, rows);
  return {};
}

/// The row of one of these marks; they stand for no text.
std::int64_t* mark_of(PretrainedWords& words, std::string_view piece) {
  if (piece == "[CLS]" || piece == "<s>") return &words.begin;
  if (piece == "[SEP]" || piece == "</s>") return &words.end;
  if (piece == "[UNK]" || piece == "<unk>") return &words.unk;
  return nullptr;
}

bool is_idle(std::string_view piece) {
  return piece == "[PAD]" || piece == "<pad>" || piece == "[MASK]" || piece == "<mask>" ||
         piece.ends_with("NOTUSED");
}

}  // namespace

std::int64_t PretrainedWords::row_of(const std::string& surface) const {
  const auto found_as = [&](const std::string& text) {
    const auto found = rows.find(text);
    return found == rows.end() ? kNone : found->second;
  };
  auto text = surface;
  if (is_small && !base::first_bad_utf8(text)) data::make_small(text);
  if (cuts_off_marks && is_cut_off(text))
    if (const auto row = found_as(" " + text); row != kNone) return row;
  return found_as(text);
}

std::optional<PretrainedWords> read_pretrained_words(const fs::path& folder, std::int64_t rows) {
  PretrainedWords words;
  const auto read = read_any(folder, rows, words.file);
  if (!read) return {};
  words.cuts_off_marks = read->spelling == Spelling::kWordPiece;
  words.is_small = read->is_small;
  Pieces bytes;
  for (const auto& [piece, row] : read->pieces) {
    if (row >= rows)
      throw DataError(words.file.string() + ": \"" + base::printable(piece) + "\" has the id " +
                      std::to_string(row) + ", but the table of words has " + std::to_string(rows) +
                      " rows: it is of another model");
    if (auto* mark = mark_of(words, piece)) {
      *mark = row;
    } else if (const auto byte = byte_of(piece);
               byte && read->spelling == Spelling::kSentencePiece) {
      bytes.emplace_back(std::string(1, *byte), row);
    } else if (!is_idle(piece)) {
      if (auto surface = surface_of(read->spelling, piece); !surface.empty())
        words.rows.try_emplace(std::move(surface), row);
    }
  }
  // Only where no piece says the same: "A" is read, not its byte.
  for (auto& [surface, row] : bytes) words.rows.try_emplace(std::move(surface), row);
  return words;
}

WordRows rows_of_words(const PretrainedWords& words, const data::Tokenizer& tokenizer) {
  WordRows taken;
  taken.row.assign(static_cast<std::size_t>(tokenizer.vocab_size()), PretrainedWords::kNone);
  const auto row = [&](TokenId id) -> std::int64_t& {
    return taken.row[static_cast<std::size_t>(id)];
  };
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto& surface = tokenizer.surface(id);
    if (surface.empty()) continue;
    row(id) = words.row_of(surface);
    if (tokenizer.is_byte(id)) continue;
    ++taken.pieces;
    if (row(id) != PretrainedWords::kNone) ++taken.copied;
  }
  const auto& special = tokenizer.special();
  row(special.unk) = words.unk;
  row(special.bos) = words.begin;
  row(special.eos) = row(special.turn_end) = words.end;
  return taken;
}

}  // namespace banter::models
