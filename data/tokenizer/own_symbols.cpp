#include "data/tokenizer/own_symbols.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <set>
#include <string_view>

#include "base/errors.h"
#include "base/utf8.h"
#include "data/tokenizer/pretrained.h"
#include "data/tokenizer/special_ids.h"
#include "data/tokenizer/tokenizer.h"

namespace banter::data {
namespace {

// ---- protobuf -----------------------------------------------------------------------------------

enum Wire : std::uint64_t { kVarint = 0, kEight = 1, kBytes = 2, kFour = 5 };

/// A field of a message: a number, or bytes.
struct Field {
  std::uint64_t number = 0, wire = 0;
  std::uint64_t value = 0;   ///< of kVarint
  std::string_view content;  ///< of the others
  std::string_view raw;      ///< all of it
};

/// Reads the fields of a message one after the other.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  /// Nothing at the end. Throws   DataError when it is no message
  std::optional<Field> next() {
    if (rest_.empty()) return {};
    const auto begin = rest_;
    const auto tag = varint();
    Field field{.number = tag >> 3U, .wire = tag & 7U, .content = {}, .raw = {}};
    switch (field.wire) {
      case kVarint:
        field.value = varint();
        break;
      case kEight:
        field.content = bytes(8);
        break;
      case kFour:
        field.content = bytes(4);
        break;
      case kBytes:
        field.content = bytes(varint());
        break;
      default:
        fail();
    }
    field.raw = begin.substr(0, begin.size() - rest_.size());
    return field;
  }

 private:
  [[noreturn]] static void fail() { throw base::DataError("is no SentencePiece model"); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes(1).front());
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }
  std::string_view bytes(std::uint64_t count) {
    if (count > rest_.size()) fail();
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
};

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}

void append_number(std::string& out, std::uint64_t number, std::uint64_t value) {
  append_varint(out, (number << 3U) | kVarint);
  append_varint(out, value);
}

void append_bytes(std::string& out, std::uint64_t number, std::string_view content) {
  append_varint(out, (number << 3U) | kBytes);
  append_varint(out, content.size());
  out += content;
}

// ---- sentencepiece_model.proto ------------------------------------------------------------------

namespace model_field {
constexpr std::uint64_t kPiece = 1, kTrainer = 2, kNormalizer = 3, kSelfTest = 4;
}
namespace piece_field {
constexpr std::uint64_t kText = 1, kScore = 2, kType = 3;
}
enum PieceType : std::uint64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kByte = 6
};
enum ModelType : std::uint64_t { kWords = 3 };
namespace trainer_field {
constexpr std::uint64_t kModelType = 3, kSuffixes = 24, kByteFallback = 35, kUnk = 40, kBos = 41,
                        kEos = 42, kPad = 43;
}
namespace normalizer_field {
constexpr std::uint64_t kName = 1, kTable = 2, kDummyPrefix = 3, kRemoveSpaces = 4,
                        kEscapeSpaces = 5;
}

void append_piece(std::string& model, std::string_view text, PieceType type) {
  constexpr std::string_view kZero("\0\0\0\0", 4);
  std::string piece;
  append_bytes(piece, piece_field::kText, text);
  append_varint(piece, (piece_field::kScore << 3U) | kFour);
  piece += kZero;
  append_number(piece, piece_field::kType, type);
  append_bytes(model, model_field::kPiece, piece);
}

/// The bytes as SentencePiece names them, "<0x41>".
std::vector<std::string> byte_pieces() {
  std::vector<std::string> names;
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::array<char, 8> name{};
    std::snprintf(name.data(), name.size(), "<0x%02X>", byte);
    names.emplace_back(name.data());
  }
  return names;
}

/// What the settings of a model must say besides; of a message that comes twice protobuf takes what
/// the later one says.
std::string own_settings() {
  const SpecialIds ids;
  std::string trainer, normalizer, settings;
  append_number(trainer, trainer_field::kByteFallback, 1);
  append_number(trainer, trainer_field::kUnk, static_cast<std::uint64_t>(ids.unk));
  append_number(trainer, trainer_field::kBos, static_cast<std::uint64_t>(ids.bos));
  append_number(trainer, trainer_field::kEos, static_cast<std::uint64_t>(ids.eos));
  append_number(trainer, trainer_field::kPad, static_cast<std::uint64_t>(ids.pad));
  append_bytes(normalizer, normalizer_field::kName, "identity");
  append_bytes(normalizer, normalizer_field::kTable, "");
  append_number(normalizer, normalizer_field::kDummyPrefix, 0);
  append_number(normalizer, normalizer_field::kRemoveSpaces, 0);
  append_bytes(settings, model_field::kTrainer, trainer);
  append_bytes(settings, model_field::kNormalizer, normalizer);
  return settings;
}

/// How a piece that stands for text is spelt; nothing for others, where one of `taken` is, and for
/// what no text holds.
std::optional<std::string_view> text_of(std::string_view piece,
                                        const std::set<std::string, std::less<>>& taken) {
  std::uint64_t type = kNormal;
  std::string_view text;
  Fields fields(piece);
  while (const auto field = fields.next()) {
    if (field->number == piece_field::kType) type = field->value;
    if (field->number == piece_field::kText) text = field->content;
  }
  if ((type != kNormal && type != kUserDefined) || taken.contains(text) ||
      text.find('\0') != std::string_view::npos || base::first_bad_utf8(text))
    return {};
  return text;
}

void check_trainer(std::string_view trainer) {
  Fields fields(trainer);
  while (const auto field = fields.next()) {
    if (field->number == trainer_field::kSuffixes && field->value != 0)
      throw base::DataError("writes spaces behind words, not in front of them");
    if (field->number == trainer_field::kModelType && field->value == kWords)
      throw base::DataError("has whole words as pieces; take a model of type unigram or bpe");
  }
}

void check_normalizer(std::string_view normalizer) {
  Fields fields(normalizer);
  while (const auto field = fields.next())
    if (field->number == normalizer_field::kEscapeSpaces && field->wire == kVarint &&
        field->value == 0)
      throw base::DataError(
          "writes spaces as they are (escape_whitespaces is false), not as U+2581; train it with "
          "escape_whitespaces");
}

bool has_own_symbols(const std::string& model) {
  const auto pieces = pieces_of(model), own = own_symbols();
  return pieces.size() >= own.size() && std::equal(own.begin(), own.end(), pieces.begin());
}

}  // namespace

std::vector<std::string> control_symbols() {
  std::vector<std::string> symbols = {"<turn>", "<persona>", "<speaker:?>"};
  for (std::int64_t i = 0; i < SpecialIds::kSpeakers; ++i)
    symbols.push_back(std::string("<speaker:") + static_cast<char>('A' + i) + ">");
  return symbols;
}

std::vector<std::string> own_symbols() {
  std::vector<std::string> symbols = {"<pad>", "<unk>", "<s>", "</s>"};
  for (auto& symbol : control_symbols()) symbols.push_back(std::move(symbol));
  return symbols;
}

std::string with_own_symbols(std::string model) {
  if (has_own_symbols(model)) return model;
  std::string made, settings;
  std::set<std::string, std::less<>> taken;
  const auto put_first = [&](const std::string& piece, PieceType type) {
    append_piece(made, piece, type);
    taken.insert(piece);
  };
  for (const auto& symbol : own_symbols())
    put_first(symbol, symbol == "<unk>" ? kUnknown : kControl);
  for (const auto& byte : byte_pieces()) put_first(byte, kByte);
  bool has_space = false;
  Fields fields(model);
  while (const auto field = fields.next()) {
    if (field->number == model_field::kTrainer) check_trainer(field->content);
    if (field->number == model_field::kNormalizer) check_normalizer(field->content);
    if (field->number == model_field::kSelfTest) continue;  // of another normalisation
    if (field->number != model_field::kPiece) {
      settings += field->raw;
    } else if (const auto text = text_of(field->content, taken)) {
      made += field->raw;
      has_space = has_space || *text == kSpaceMark;
    }
  }
  // In bytes U+2581 would come back as itself.
  if (!has_space)
    throw base::DataError("has no piece for a space by itself, U+2581; take a model that has it");
  return made + settings + own_settings();
}

}  // namespace banter::data
