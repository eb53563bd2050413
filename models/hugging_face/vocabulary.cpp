#include "models/hugging_face/vocabulary.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/utf8.h"
#include "models/hugging_face/json_file.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using base::DataError;
using data::SpecialIds;
using data::TokenId;

constexpr std::string_view kTokenizerConfig = "tokenizer_config.json";
constexpr std::string_view kMarianVocabulary = "vocab.json";
constexpr std::string_view kMbartModel = "sentencepiece.bpe.model";
constexpr std::string_view kOtherMarks = "additional_special_tokens";

/// Laid behind a SentencePiece model it sets add_dummy_prefix, which banter's own leave to our
/// code: of a message that comes twice, protobuf takes what the later one says. Source
/// sentencepiece_model.proto: ModelProto.normalizer_spec = 3, add_dummy_prefix = 3
constexpr std::string_view kDummyPrefix = "\x1A\x02\x18\x01";

/// mBART's languages in the order of their ids; those of the first are 25, mBART-50's are all.
constexpr std::array<std::string_view, 52> kLanguages = {
    "ar_AR", "cs_CZ", "de_DE", "en_XX", "es_XX", "et_EE", "fi_FI", "fr_XX", "gu_IN",
    "hi_IN", "it_IT", "ja_XX", "kk_KZ", "ko_KR", "lt_LT", "lv_LV", "my_MM", "ne_NP",
    "nl_XX", "ro_RO", "ru_RU", "si_LK", "tr_TR", "vi_VN", "zh_CN", "af_ZA", "az_AZ",
    "bn_IN", "fa_IR", "he_IL", "hr_HR", "id_ID", "ka_GE", "km_KH", "mk_MK", "ml_IN",
    "mn_MN", "mr_IN", "pl_PL", "ps_AF", "pt_XX", "sv_SE", "sw_KE", "ta_IN", "te_IN",
    "th_TH", "tl_XX", "uk_UA", "ur_PK", "xh_ZA", "gl_ES", "sl_SI"};
constexpr std::size_t kFirstLanguages = 25;

/// Ids of fairseq's dictionary, which stand before the pieces.
constexpr std::array<std::string_view, 4> kFairseq = {"<s>", "<pad>", "</s>", "<unk>"};
constexpr TokenId kFairseqUnk = 3;
/// What a SentencePiece model has in their place.
constexpr std::array<std::string_view, 3> kControls = {"<unk>", "<s>", "</s>"};

/// A text of tokenizer_config.json, plain or as {"content": text}.
std::string setting(const json::object& config, std::string_view key, std::string_view fallback) {
  const auto* value = config.if_contains(key);
  if (value != nullptr && value->is_object()) value = value->get_object().if_contains("content");
  if (value == nullptr || !value->is_string()) return std::string(fallback);
  return std::string(value->get_string());
}

std::string read_model(const fs::path& path) {
  auto model = base::read_file(path);
  try {
    static_cast<void>(data::pieces_of(model));
  } catch (const DataError& error) {
    throw DataError(path.string() + ": " + error.what());
  }
  return model;
}

/// Throws   DataError for tokens that were added to a vocabulary behind its models
void check_added(const fs::path& folder, const std::vector<std::string>& pieces) {
  if (!fs::exists(folder / "added_tokens.json")) return;
  const auto added = read_json_file(folder / "added_tokens.json");
  for (const auto& [token, id] : added)
    if (std::ranges::find(pieces, std::string_view(token)) == pieces.end())
      throw DataError((folder / "added_tokens.json").string() + ": \"" + base::printable(token) +
                      "\" was added to the vocabulary; only the models' own pieces are read");
}

// ---- Marian -----------------------------------------------------------------------------------

std::vector<std::string> marian_pieces(const fs::path& path, std::int64_t vocab_size) {
  const auto ids = read_json_file(path);
  std::vector<std::string> pieces(static_cast<std::size_t>(vocab_size));
  for (const auto& [piece, value] : ids) {
    const auto* id = value.if_int64();
    if (id == nullptr || *id < 0 || *id >= vocab_size)
      throw DataError(path.string() + ": the id of \"" + base::printable(piece) +
                      "\" must be a whole number below vocab_size, " + std::to_string(vocab_size));
    auto& place = pieces[static_cast<std::size_t>(*id)];
    if (!place.empty())
      throw DataError(path.string() + ": \"" + base::printable(place) + "\" and \"" +
                      base::printable(piece) + "\" have the same id");
    place = piece;
  }
  return pieces;
}

bool is_language_mark(std::string_view piece) {
  return piece.size() > 4 && piece.starts_with(">>") && piece.ends_with("<<");
}

data::PretrainedTokenizer read_marian(const fs::path& folder, const Network& network) {
  const auto config = read_json_file_if_there(folder / kTokenizerConfig);
  if (const auto* separate = config.if_contains("separate_vocabs");
      separate != nullptr && *separate == json::value(true))
    throw DataError((folder / kTokenizerConfig).string() +
                    ": \"separate_vocabs\" is true; banter's transformer has one vocabulary");
  data::PretrainedTokenizer tokenizer{.model = read_model(folder / "source.spm"),
                                      .reply_model = read_model(folder / "target.spm"),
                                      .vocabulary = {}};
  auto& vocabulary = tokenizer.vocabulary;
  vocabulary.pieces = marian_pieces(folder / kMarianVocabulary, network.vocab_size);
  const auto id_of = [&](const std::string& piece) {
    const auto found = std::ranges::find(vocabulary.pieces, piece);
    if (found == vocabulary.pieces.end())
      throw DataError((folder / kMarianVocabulary).string() + ": has no " + piece);
    return static_cast<TokenId>(found - vocabulary.pieces.begin());
  };
  vocabulary.special = {.pad = network.pad,
                        .unk = id_of(setting(config, "unk_token", "<unk>")),
                        .bos = network.decoder_start,
                        .eos = network.eos,
                        .turn_end = id_of(setting(config, "eos_token", "</s>"))};
  vocabulary.special.reply_begin = network.forced_bos;
  for (TokenId id = 0; id < network.vocab_size; ++id)
    if (is_language_mark(vocabulary.pieces[static_cast<std::size_t>(id)])) {
      vocabulary.marks.push_back(id);
      vocabulary.leading_marks = true;
    }
  if (const auto* others = config.if_contains(kOtherMarks); others != nullptr)
    for (const auto& mark : base::array_field(config, kOtherMarks, kTokenizerConfig))
      vocabulary.marks.push_back(id_of(std::string(base::as_string(mark, kTokenizerConfig))));
  return tokenizer;
}

void write_marian(const fs::path& folder, const data::PretrainedTokenizer& tokenizer) {
  const auto& pieces = tokenizer.vocabulary.pieces;
  const auto& special = tokenizer.vocabulary.special;
  json::object ids;
  for (std::size_t id = 0; id < pieces.size(); ++id)
    if (!pieces[id].empty()) ids[pieces[id]] = id;
  const auto& reply = tokenizer.reply_model;
  base::write_durably(folder / "source.spm", tokenizer.model);
  base::write_durably(folder / "target.spm", reply.empty() ? tokenizer.model : reply);
  base::write_durably(folder / kMarianVocabulary, base::pretty_json(ids));
  const auto piece = [&](TokenId id) { return pieces[static_cast<std::size_t>(id)]; };
  json::array others;
  for (const auto id : tokenizer.vocabulary.marks)
    if (id != special.unk && id != special.turn_end && id != special.pad &&
        !is_language_mark(piece(id)))
      others.emplace_back(piece(id));
  base::write_durably(folder / kTokenizerConfig,
                      base::pretty_json({{"tokenizer_class", "MarianTokenizer"},
                                         {"unk_token", piece(special.unk)},
                                         {"eos_token", piece(special.turn_end)},
                                         {"pad_token", piece(special.pad)},
                                         {"separate_vocabs", false},
                                         {kOtherMarks, others}}));
}

// ---- mBART ------------------------------------------------------------------------------------

/// How many languages a network of this size knows besides its pieces and <mask>.
std::size_t language_count(std::size_t pieces, const Network& network, const fs::path& model) {
  for (const auto count : {kFirstLanguages, kLanguages.size()})
    if (pieces + 2 + count == static_cast<std::size_t>(network.vocab_size)) return count;
  throw DataError(model.string() + ": has " + std::to_string(pieces) + " pieces, which with " +
                  std::to_string(kFirstLanguages) + " or " + std::to_string(kLanguages.size()) +
                  " languages do not make config.json's vocab_size, " +
                  std::to_string(network.vocab_size));
}

/// The id of a language; `what` names it in the message.
TokenId language_id(const std::vector<std::string>& pieces, std::span<const std::string_view> codes,
                    const std::string& code, const std::string& what) {
  if (std::ranges::find(codes, code) != codes.end())
    return std::ranges::find(pieces, code) - pieces.begin();
  std::string known;
  for (const auto other : codes) known += " " + std::string(other);
  throw DataError(
      what + (code.empty() ? "is not said" : " \"" + base::printable(code) + "\" is not known") +
      ": give one of" + known);
}

using Codes = std::span<const std::string_view>;

/// Pieces and marks by fairseq's ids: its own four, the model's, languages, <mask>.
data::PretrainedVocabulary fairseq_vocabulary(std::span<const std::string> own, Codes codes) {
  data::PretrainedVocabulary vocabulary;
  auto& pieces = vocabulary.pieces;
  pieces.assign(kFairseq.begin(), kFairseq.end());
  for (TokenId id = 0; id < std::ssize(kFairseq); ++id) vocabulary.marks.push_back(id);
  pieces.insert(pieces.end(), own.begin(), own.end());
  for (auto id = std::ssize(pieces); id <= std::ssize(pieces) + std::ssize(codes); ++id)
    vocabulary.marks.push_back(id);
  pieces.insert(pieces.end(), codes.begin(), codes.end());
  pieces.emplace_back("<mask>");
  return vocabulary;
}

/// The language that config.json has replies said in; "" when it names none.
std::string said_in(const std::vector<std::string>& pieces, Codes codes, TokenId id) {
  if (id == SpecialIds::kNone) return "";
  const auto& piece = pieces[static_cast<std::size_t>(id)];
  return std::ranges::find(codes, piece) == codes.end() ? "" : piece;
}

data::PretrainedTokenizer read_mbart(const fs::path& folder, const Network& network,
                                     const Languages& languages) {
  const auto path = folder / kMbartModel;
  const auto model = read_model(path);
  const auto own = data::pieces_of(model);
  if (own.size() < kControls.size() || !std::ranges::equal(kControls, std::span(own).first(3)))
    throw DataError(path.string() + ": does not begin with <unk>, <s> and </s>");
  const auto codes = std::span(kLanguages).first(language_count(own.size(), network, path));
  auto vocabulary = fairseq_vocabulary(std::span(own).subspan(kControls.size()), codes);
  const auto& pieces = vocabulary.pieces;

  const bool is_first = codes.size() == kFirstLanguages;
  const auto config = read_json_file_if_there(folder / kTokenizerConfig);
  const auto chosen = [](const std::string& asked, const std::string& told) {
    return asked.empty() ? told : asked;
  };
  const auto said = said_in(pieces, codes, is_first ? network.decoder_start : network.forced_bos);
  const auto source =
      language_id(pieces, codes, chosen(languages.source, setting(config, "src_lang", "")),
                  folder.string() + ": the source's language (--source-language) ");
  const auto target = language_id(
      pieces, codes, chosen(languages.target, chosen(said, setting(config, "tgt_lang", ""))),
      folder.string() + ": the target's language (--target-language) ");

  auto& special = vocabulary.special;
  special = {.pad = network.pad,
             .unk = kFairseqUnk,
             .bos = target,
             .eos = network.eos,
             .turn_end = network.eos};
  if (is_first) {
    special.context_end = source;
    special.reply_begin = network.forced_bos;
  } else {
    special.bos = network.decoder_start == SpecialIds::kNone ? network.eos : network.decoder_start;
    special.context_begin = source;
    special.reply_begin = target;
  }
  return {.model = model, .reply_model = "", .vocabulary = std::move(vocabulary)};
}

void write_mbart(const fs::path& folder, const data::PretrainedTokenizer& tokenizer) {
  const auto& [pieces, special, marks, leading_marks] = tokenizer.vocabulary;
  const bool is_first = special.context_begin == SpecialIds::kNone;
  const auto code = [&](TokenId id) { return pieces[static_cast<std::size_t>(id)]; };
  base::write_durably(folder / kMbartModel, tokenizer.model);
  base::write_durably(
      folder / kTokenizerConfig,
      base::pretty_json({{"tokenizer_class", is_first ? "MBartTokenizer" : "MBart50Tokenizer"},
                         {"src_lang", code(is_first ? special.context_end : special.context_begin)},
                         {"tgt_lang", code(is_first ? special.bos : special.reply_begin)}}));
}

}  // namespace

data::PretrainedTokenizer read_vocabulary(const fs::path& folder, const Network& network,
                                          const Languages& languages) {
  const bool is_marian = network.family.model_type == "marian";
  if (is_marian && network.decoder_start == SpecialIds::kNone)
    throw DataError((folder / "config.json").string() + ": has no decoder_start_token_id");
  if (is_marian && !(languages.source.empty() && languages.target.empty()))
    throw base::UsageError(
        "--source-language and --target-language are for an mBART; what a Marian "
        "reads and says is in its weights");
  auto tokenizer =
      is_marian ? read_marian(folder, network) : read_mbart(folder, network, languages);
  auto& vocabulary = tokenizer.vocabulary;
  check_added(folder, vocabulary.pieces);
  auto& special = vocabulary.special;
  special.persona = special.unknown_speaker = special.first_speaker = SpecialIds::kNone;
  std::set<TokenId> marks(vocabulary.marks.begin(), vocabulary.marks.end());
  marks.insert({special.pad, special.unk, special.bos, special.eos});
  vocabulary.marks.assign(marks.begin(), marks.end());
  vocabulary.check((folder / (is_marian ? kMarianVocabulary : kMbartModel)).string());
  return tokenizer;
}

data::PretrainedTokenizer as_marian(const data::Tokenizer& tokenizer) {
  data::PretrainedTokenizer marian;
  marian.model = tokenizer.model() + std::string(kDummyPrefix);
  marian.vocabulary.special = tokenizer.special();
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id)
    marian.vocabulary.pieces.push_back(tokenizer.piece(id));
  for (TokenId id = 0; id < tokenizer.special().count(); ++id)
    marian.vocabulary.marks.push_back(id);
  return marian;
}

void write_vocabulary(const fs::path& folder, const data::PretrainedTokenizer& tokenizer,
                      const Network& network) {
  if (network.family.model_type == "marian") {
    write_marian(folder, tokenizer);
  } else {
    write_mbart(folder, tokenizer);
  }
}

}  // namespace banter::models
