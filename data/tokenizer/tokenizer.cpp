#include "data/tokenizer/tokenizer.h"

#include <algorithm>
#include <cassert>
#include <unordered_map>
#include <utility>

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/repaired_utf8.h"
#include "base/utf8.h"
#include "data/tokenizer/load_sentencepiece.h"
#include "data/tokenizer/own_symbols.h"
#include "data/tokenizer/text_sample.h"

namespace banter::data {
namespace {

constexpr const char* kModel = "tokenizer.model";
constexpr const char* kRecord = "tokenizer.json";
constexpr const char* kReplyModel = "reply_tokenizer.model";

constexpr std::size_t kMaxSentenceBytes = 4000;  // the trainer drops lines above 4192

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Whether a piece that spells a reserved symbol could begin with the '<' at `at`.
bool opens_symbol(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size()) return false;
  const char next = text[at + 1];
  return next == '/' || next == '0' || (next >= 'a' && next <= 'z');
}

/// Cuts a text into what the trainer may see. Behind a '<' that could open "<s>" or "<0x41>" the
/// text is cut, so that no learnt piece can be spelt like a reserved one (the trainer would refuse
/// the double); at U+2581 and tabs, which it keeps for itself; and where a line grows too long.
/// The first part gets the space that `encode` puts in front.
void split_for_training(std::string_view text, std::vector<std::string>& out) {
  std::string part = " ";
  const auto end_part = [&] {
    if (part.find_first_not_of(' ') != std::string::npos) out.push_back(part);
    part.clear();
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\t' || text[i] == '\0') {
      end_part();
      ++i;
    } else if (text.substr(i, kSpaceMark.size()) == kSpaceMark) {
      end_part();
      i += kSpaceMark.size();
    } else {
      part += text[i];
      if (text[i] == '<' && opens_symbol(text, i)) end_part();
      ++i;
      if (part.size() >= kMaxSentenceBytes && (i == text.size() || !is_continuation(text[i])))
        end_part();
    }
  }
  end_part();
}

/// Hands the sample to the trainer, line by line.
class SampleIterator final : public sentencepiece::SentenceIterator {
 public:
  explicit SampleIterator(TextSample& sample) : sample_(sample) { advance(); }

  [[nodiscard]] bool done() const override { return done_; }
  [[nodiscard]] const std::string& value() const override { return value_; }
  [[nodiscard]] sentencepiece::util::Status status() const override { return {}; }

  void Next() override { advance(); }

 private:
  void advance() {
    while (at_ == parts_.size()) {
      parts_.clear();
      at_ = 0;
      const auto text = sample_.take();
      if (!text) {
        done_ = true;
        return;
      }
      split_for_training(*text, parts_);
    }
    value_ = std::move(parts_[at_++]);
  }

  TextSample& sample_;
  std::vector<std::string> parts_;
  std::size_t at_ = 0;
  std::string value_;
  bool done_ = false;
};

std::unordered_map<std::string, std::string> trainer_arguments(const TokenizerOptions& options) {
  std::string symbols;
  for (const auto& symbol : control_symbols()) symbols += (symbols.empty() ? "" : ",") + symbol;
  return {
      {"model_type", options.type},
      {"vocab_size", std::to_string(options.vocab_size)},
      {"character_coverage", std::to_string(options.character_coverage)},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"add_dummy_prefix", "false"},  // ours is put in by `encode`, see there
      {"byte_fallback", "true"},
      {"hard_vocab_limit", "false"},
      {"pad_id", "0"},
      {"unk_id", "1"},
      {"bos_id", "2"},
      {"eos_id", "3"},
      {"pad_piece", "<pad>"},
      {"unk_piece", "<unk>"},
      {"bos_piece", "<s>"},
      {"eos_piece", "</s>"},
      {"control_symbols", symbols},
      {"num_threads", "4"},  // fixed: sums are made thread by thread, so the count is part of them
      {"minloglevel", "2"},
  };
}

/// What a piece stands for in a text.
std::string surface_of(std::string piece, bool is_byte) {
  if (is_byte) return {static_cast<char>(std::stoi(piece.substr(3, 2), nullptr, 16))};  // "<0x41>"
  for (auto at = piece.find(kSpaceMark); at != std::string::npos; at = piece.find(kSpaceMark, at))
    piece.replace(at, kSpaceMark.size(), " ");
  return piece;
}

}  // namespace

struct Tokenizer::Impl {
  std::string model, hash;
  sentencepiece::SentencePieceProcessor processor;
  std::vector<std::string> surfaces;    ///< what each id stands for in a text; special ids: nothing
  std::vector<bool> bytes;              ///< which ids are byte pieces
  std::array<TokenId, 3> space_mark{};  ///< the byte pieces of U+2581 itself

  std::optional<PretrainedTokenizer> pretrained;
  sentencepiece::SentencePieceProcessor reply_processor;  ///< where a pretrained one has it
  std::unordered_map<std::string_view, TokenId> ids;      ///< of its pieces, marks too

  void load(sentencepiece::SentencePieceProcessor& into, const std::string& bytes_of_it);
  [[nodiscard]] std::vector<TokenId> encode(const sentencepiece::SentencePieceProcessor& by,
                                            std::string_view text) const;
};

void Tokenizer::Impl::load(sentencepiece::SentencePieceProcessor& into,
                           const std::string& bytes_of_it) {
  if (!load_sentencepiece(into, bytes_of_it))
    throw base::DataError("the tokenizer is no SentencePiece model");
}

/// The ids of a pretrained vocabulary. Pieces are looked up by what they are: SentencePiece gives
/// the text itself for what has none.
std::vector<TokenId> Tokenizer::Impl::encode(const sentencepiece::SentencePieceProcessor& by,
                                             std::string_view text) const {
  const auto& vocabulary = pretrained.value().vocabulary;
  std::vector<TokenId> out;
  if (vocabulary.leading_marks && text.starts_with(">>")) {
    const auto end = text.find("<<");
    const auto mark = ids.find(text.substr(0, end == std::string_view::npos ? 0 : end + 2));
    if (mark != ids.end()) {
      out.push_back(mark->second);
      text.remove_prefix(mark->first.size());
    }
  }
  std::vector<std::string> pieces;
  const auto status = by.Encode({text.data(), text.size()}, &pieces);
  if (!status.ok())
    throw base::DataError("a text cannot be encoded: " + base::printable(status.ToString()));
  for (const auto& piece : pieces) {
    const auto found = ids.find(piece);
    const bool is_text = found != ids.end() && !vocabulary.is_mark(found->second);
    out.push_back(is_text ? found->second : vocabulary.special.unk);
  }
  return out;
}

Tokenizer::Tokenizer(std::string model) {
  auto impl = std::make_shared<Impl>();
  impl->hash = base::sha256_hex(model);
  impl->load(impl->processor, model);
  impl->model = std::move(model);
  const auto& processor = impl->processor;

  const auto expect = [&](std::string_view piece, TokenId id) {
    if (id >= processor.GetPieceSize() || processor.IdToPiece(static_cast<int>(id)) != piece)
      throw base::DataError("the tokenizer lacks the reserved symbol " + std::string(piece) +
                            " at id " + std::to_string(id) + ": make it with `banter prepare`");
  };
  TokenId next = special_.pad;
  for (const auto& symbol : own_symbols()) expect(symbol, next++);

  for (int id = 0; id < processor.GetPieceSize(); ++id) {
    const bool is_text = !processor.IsControl(id) && !processor.IsUnknown(id);
    impl->bytes.push_back(processor.IsByte(id));
    impl->surfaces.push_back(is_text ? surface_of(processor.IdToPiece(id), processor.IsByte(id))
                                     : "");
  }
  const std::array<const char*, 3> names = {"<0xE2>", "<0x96>", "<0x81>"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    impl->space_mark[i] = processor.PieceToId(names[i]);
    if (!processor.IsByte(static_cast<int>(impl->space_mark[i])))
      throw base::DataError("the tokenizer has no byte pieces: make it with `banter prepare`");
  }
  impl_ = std::move(impl);
}

Tokenizer::Tokenizer(PretrainedTokenizer pretrained) : special_(pretrained.vocabulary.special) {
  auto impl = std::make_shared<Impl>();
  impl->pretrained = std::move(pretrained);
  const auto& [model, reply_model, vocabulary] = *impl->pretrained;
  impl->load(impl->processor, model);
  impl->load(impl->reply_processor, reply_model.empty() ? model : reply_model);
  impl->model = model;
  base::Sha256 hash;
  for (const auto& part : {model, reply_model, vocabulary.json()}) hash.add(base::sha256_hex(part));
  impl->hash = hash.hex();

  const auto& processor = impl->processor;
  for (TokenId id = 0; id < std::ssize(vocabulary.pieces); ++id) {
    const auto& piece = vocabulary.pieces[static_cast<std::size_t>(id)];
    if (!piece.empty()) impl->ids.emplace(piece, id);
    const bool is_byte = !vocabulary.is_mark(id) && processor.IsByte(processor.PieceToId(piece));
    impl->bytes.push_back(is_byte);
    impl->surfaces.push_back(vocabulary.is_mark(id) ? "" : surface_of(piece, is_byte));
  }
  impl_ = std::move(impl);
}

Tokenizer Tokenizer::open(const std::filesystem::path& file) {
  try {
    return Tokenizer(base::read_file(file));
  } catch (const base::DataError& error) {
    throw base::DataError(file.string() + ": " + error.what());
  }
}

Tokenizer Tokenizer::open_folder(const std::filesystem::path& folder) {
  const auto record = folder / kRecord, reply = folder / kReplyModel;
  if (!std::filesystem::exists(record)) return open(folder / kModel);
  PretrainedTokenizer pretrained;
  pretrained.model = base::read_file(folder / kModel);
  if (std::filesystem::exists(reply)) pretrained.reply_model = base::read_file(reply);
  pretrained.vocabulary = PretrainedVocabulary::parse(base::read_file(record), record.string());
  try {
    return Tokenizer(std::move(pretrained));
  } catch (const base::DataError& error) {
    throw base::DataError((folder / kModel).string() + ": " + error.what());
  }
}

void Tokenizer::write_to(const std::filesystem::path& folder) const {
  base::write_durably(folder / kModel, model());
  if (pretrained() == nullptr) return;
  base::write_durably(folder / kRecord, pretrained()->vocabulary.json());
  if (!pretrained()->reply_model.empty())
    base::write_durably(folder / kReplyModel, pretrained()->reply_model);
}

std::string Tokenizer::train(const TokenizerOptions& options,
                             const std::function<std::optional<std::string>()>& next) {
  TextSample sample(static_cast<std::uint64_t>(options.sample_bytes), options.seed);
  while (const auto text = next()) sample.add(*text);
  return train(options, sample);
}

std::string Tokenizer::train(const TokenizerOptions& options, TextSample& sample) {
  SampleIterator sentences(sample);
  if (sentences.done()) throw base::DataError("there is no text to train a tokenizer on");
  std::string model;
  const auto status =
      sentencepiece::SentencePieceTrainer::Train(trainer_arguments(options), &sentences, &model);
  if (!status.ok()) {
    throw base::DataError("the tokenizer could not be trained with vocab_size " +
                          std::to_string(options.vocab_size) +
                          " (special ids, 256 bytes and the text's characters must fit in): " +
                          base::printable(status.ToString(), 300));
  }
  return model;
}

// A space goes in front of every text, so that its first word has the piece that the word has
// elsewhere, and `decode` takes exactly one away. U+2581 in a text would come back as a space: it
// is spelt in byte pieces, which decode to themselves.
void Tokenizer::append_word(std::string_view word, std::vector<TokenId>& out) const {
  assert(!impl_->pretrained);
  if (word == kSpaceMark) {
    out.insert(out.end(), impl_->space_mark.begin(), impl_->space_mark.end());
    return;
  }
  std::vector<int> ids;
  const auto status = impl_->processor.Encode({word.data(), word.size()}, &ids);
  if (!status.ok())
    throw base::DataError("a text cannot be encoded: " + base::printable(status.ToString()));
  out.insert(out.end(), ids.begin(), ids.end());
}

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  if (impl_->pretrained) return impl_->encode(impl_->processor, text);
  std::vector<TokenId> ids;
  for_each_word(text, [&](std::string_view word) { append_word(word, ids); });
  return ids;
}

std::vector<TokenId> Tokenizer::encode_reply(std::string_view text) const {
  return impl_->pretrained ? impl_->encode(impl_->reply_processor, text) : encode(text);
}

std::vector<TokenId> Tokenizer::begin_reply(std::string_view text) const {
  auto ids = encode_reply(text);
  if (special_.reply_begin != SpecialIds::kNone) ids.insert(ids.begin(), special_.reply_begin);
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) text += surface(id);
  if (text.starts_with(' ')) text.erase(0, 1);
  std::ranges::replace(text, '\0', '\xFF');  // a byte of no text
  return base::repaired_utf8(std::move(text));
}

const std::string& Tokenizer::surface(TokenId id) const {
  if (id < 0 || id >= vocab_size())
    throw base::DataError("token id " + std::to_string(id) + " is outside the vocabulary of " +
                          std::to_string(vocab_size()));
  return impl_->surfaces[static_cast<std::size_t>(id)];
}

std::string Tokenizer::piece(TokenId id) const {
  if (id < 0 || id >= vocab_size())
    throw base::DataError("token id " + std::to_string(id) + " is outside the vocabulary of " +
                          std::to_string(vocab_size()));
  if (impl_->pretrained) return impl_->pretrained->vocabulary.pieces[static_cast<std::size_t>(id)];
  return impl_->processor.IdToPiece(static_cast<int>(id));
}

std::int64_t Tokenizer::vocab_size() const {
  return static_cast<std::int64_t>(impl_->surfaces.size());
}

bool Tokenizer::is_byte(TokenId id) const {
  return id >= 0 && id < vocab_size() && impl_->bytes[static_cast<std::size_t>(id)];
}

const std::string& Tokenizer::model() const { return impl_->model; }
const std::string& Tokenizer::hash() const { return impl_->hash; }

const PretrainedTokenizer* Tokenizer::pretrained() const {
  return impl_->pretrained ? &*impl_->pretrained : nullptr;
}

}  // namespace banter::data
