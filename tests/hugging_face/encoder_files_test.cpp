// What of a pretrained encoder's folder is text: config.json and the vocabulary. The folders and
// encoders.json are made by tests/models/reference/hugging_face_encoder.py.

#include "models/hugging_face/encoder_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/tokenizer/own_symbols.h"
#include "data/tokenizer/tokenizer.h"
#include "models/hugging_face/encoder_network.h"
#include "models/hugging_face/pretrained_words.h"
#include "tests/hugging_face/fixtures.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using tests::TemporaryFolder;

constexpr auto kNone = PretrainedWords::kNone;

/// The pieces of a fixture by their ids, as its script says them.
std::vector<std::string> pieces_of_fixture(const std::string& name) {
  return json::value_to<std::vector<std::string>>(
      read_object(kEncoders / "encoders.json").at(name).at("pieces"));
}

PretrainedWords words_of(const fs::path& folder, std::size_t rows) {
  return read_pretrained_words(folder, static_cast<std::int64_t>(rows)).value();
}

PretrainedWords words_of_fixture(const std::string& name) {
  return words_of(kEncoders / name, pieces_of_fixture(name).size());
}

// ---- config.json --------------------------------------------------------------------------------

EncoderNetwork changed_network(const std::string& name, const std::string& key,
                               const json::value& value) {
  auto config = read_object(kEncoders / name / "config.json");
  config[key] = value;
  return encoder_network_of(config, "config.json");
}

TEST(EncoderNetworkTest, IsThatOfItsFamily) {
  const auto bert = encoder_network_of(read_object(kEncoders / "bert/config.json"), "config.json");
  EXPECT_EQ(bert.layers.norm, "post");
  EXPECT_FALSE(bert.layers.final_norm);
  EXPECT_EQ(bert.layers.norm_eps, 1e-12);
  EXPECT_EQ(bert.layers.activation, "gelu");
  EXPECT_EQ(bert.layers.position_offset, 0);
  EXPECT_EQ(bert.layers.max_positions, 20);
  EXPECT_EQ(bert.kinds, 2);
  const auto xlm =
      encoder_network_of(read_object(kEncoders / "xlm-roberta/config.json"), "config.json");
  EXPECT_EQ(xlm.layers.norm_eps, 1e-5);
  EXPECT_EQ(xlm.layers.position_offset, 2) << "behind the pad's row";
  EXPECT_EQ(xlm.layers.max_positions, 20);
  EXPECT_EQ(xlm.position_rows(), 22);
  EXPECT_EQ(xlm.kinds, 1);
}

TEST(EncoderNetworkTest, WhatNoEncoderOfOursCanBeIsRefusedByItsKey) {
  const std::vector<std::pair<std::string, json::value>> others = {
      {"model_type", "electra"},
      {"position_embedding_type", "relative_key"},
      {"hidden_act", "gelu_new"},
      {"hidden_size", "8"},
      {"layer_norm_eps", 2}};
  for (const auto& [key, value] : others) {
    const auto said = message_of([&] { changed_network("bert", key, value); });
    EXPECT_NE(said.find("config.json: \"" + key + "\" is "), std::string::npos) << said;
  }
}

TEST(EncoderNetworkTest, AllKeysThatDoNotAgreeAreListedWithTheirValues) {
  const auto network = changed_network("roberta", "hidden_act", "relu");
  EXPECT_EQ(keys_to_set(network, network.layers, {{"encoder_layers", 3}, {"decoder_layers", 0}}),
            std::vector<std::string>{});
  const auto keys = keys_to_set(network, TransformerOptions{}, {{"encoder_layers", 4}});
  const std::vector<std::string> expected = {"model.dim: 8",
                                             "model.heads: 2",
                                             "model.ffn_dim: 12",
                                             "model.norm: post",
                                             "model.final_norm: false",
                                             "model.positions: learned",
                                             "model.position_offset: 2",
                                             "model.max_positions: 20",
                                             "model.scale_embedding: false",
                                             "model.embedding_norm: true",
                                             "model.encoder_layers: 3"};
  EXPECT_EQ(keys, expected) << "eps and activation agree";
  auto fewer = network.layers;
  fewer.max_positions = 5;
  fewer.norm_eps = 1e-6;
  EXPECT_EQ(keys_to_set(network, fewer, {}), std::vector<std::string>{"model.norm_eps: 1e-05"});
}

// ---- vocabularies -------------------------------------------------------------------------------

TEST(PretrainedWordsTest, WordPiecesBeginAWordOrStandInsideOne) {
  const auto pieces = pieces_of_fixture("bert");
  const auto words = words_of_fixture("bert");
  const auto row = [&](const std::string& piece) {
    return std::ranges::find(pieces, piece) - pieces.begin();
  };
  EXPECT_EQ(words.row_of(" the"), row("the"));
  EXPECT_EQ(words.row_of("t"), row("##t"));
  EXPECT_EQ(words.row_of(" t"), row("t"));
  EXPECT_EQ(words.row_of("the"), kNone);
  EXPECT_EQ(words.row_of(" The"), row("the")) << "do_lower_case";
  EXPECT_EQ(words.row_of("?"), row("?")) << "is cut off, with or without a space";
  EXPECT_EQ(words.row_of(" ?"), row("?"));
  EXPECT_EQ(words.row_of("[CLS]"), kNone);
  EXPECT_EQ(words.row_of(" [CLS]"), kNone) << "stands for no text";
  EXPECT_EQ(words.begin, row("[CLS]"));
  EXPECT_EQ(words.end, row("[SEP]"));
  EXPECT_EQ(words.unk, row("[UNK]"));
}

TEST(PretrainedWordsTest, WhereNothingIsSaidAVocabularyWithoutCapitalsLowersLetters) {
  const TemporaryFolder folder;
  std::ofstream(folder / "vocab.txt") << "[UNK]\r\nthe\r\n##t\r\n";
  EXPECT_EQ(words_of(folder.path(), 3).row_of(" The"), 1);
  std::ofstream(folder / "vocab.txt") << "[UNK]\nthe\nAnn\n";
  EXPECT_EQ(words_of(folder.path(), 3).row_of(" The"), kNone);
  EXPECT_EQ(words_of(folder.path(), 3).row_of(" Ann"), 2);
}

TEST(PretrainedWordsTest, HanIsCutOffToo) {
  const TemporaryFolder folder;
  std::ofstream(folder / "vocab.txt") << "[UNK]\n\u4e2d\n##\u4e2d\n\u00e9\n##\u00e9\n";
  const auto words = words_of(folder.path(), 5);
  EXPECT_EQ(words.row_of("\u4e2d"), 1);
  EXPECT_EQ(words.row_of("\u00e9"), 4);
}

TEST(PretrainedWordsTest, ByteLevelPiecesAreBytes) {
  const auto pieces = pieces_of_fixture("roberta");
  const auto words = words_of_fixture("roberta");
  const auto row = [&](const std::string& piece) {
    return std::ranges::find(pieces, piece) - pieces.begin();
  };
  EXPECT_EQ(words.row_of(" the"), row("\u0120the"));
  EXPECT_EQ(words.row_of("t"), row("t"));
  EXPECT_EQ(words.row_of(" "), row("\u0120"));
  EXPECT_EQ(words.row_of("\n"), row("\u010a"));
  EXPECT_EQ(words.row_of("\xC3"), row("\u00c3")) << "written as itself";
  EXPECT_EQ(words.row_of("\xAD"), row("\u0143")) << "the last of those that are not";
  EXPECT_EQ(words.begin, 0);
  EXPECT_EQ(words.end, 2);
  EXPECT_EQ(words.unk, 3);
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_NE(words.row_of(std::string(1, static_cast<char>(byte))), kNone) << byte;
}

TEST(PretrainedWordsTest, SentencePiecesStandBehindFairseqsMarks) {
  for (const std::string name : {"xlm-roberta", "camembert"}) {
    const auto pieces = pieces_of_fixture(name);
    const auto words = words_of_fixture(name);
    EXPECT_EQ(pieces.at(static_cast<std::size_t>(words.begin)), "<s>") << name;
    EXPECT_EQ(pieces.at(static_cast<std::size_t>(words.end)), "</s>");
    EXPECT_EQ(pieces.at(static_cast<std::size_t>(words.unk)), "<unk>");
    EXPECT_EQ(pieces.at(static_cast<std::size_t>(words.row_of(" "))), "\u2581");
    EXPECT_EQ(pieces.at(static_cast<std::size_t>(words.row_of("t"))), "t");
    EXPECT_EQ(words.rows.size(), pieces.size() - (name == "camembert" ? 8 : 5)) << "marks";
  }
}

TEST(PretrainedWordsTest, ASentencePieceModelOfAnotherTableIsRefused) {
  const auto said = message_of([] { words_of(kEncoders / "camembert", 1000); });
  EXPECT_NE(said.find("the table of words has 1000 rows"), std::string::npos) << said;
}

TEST(PretrainedWordsTest, TokenizerJsonSaysTheSameAsTheOlderFiles) {
  const std::vector<std::pair<std::string, json::value>> models = {
      {"bert", {{"type", "WordPiece"}}},
      {"roberta", {{"type", "BPE"}}},
      {"xlm-roberta", {{"type", "Unigram"}}},
      {"camembert", {{"type", "Unigram"}}}};
  for (const auto& [name, model] : models) {
    const TemporaryFolder folder;
    const auto pieces = pieces_of_fixture(name);
    json::object record = {{"model", model}};
    if (name == "bert") record["normalizer"] = {{"type", "BertNormalizer"}, {"lowercase", true}};
    if (name == "roberta") record["decoder"] = {{"type", "ByteLevel"}};
    json::object ids;
    json::array list;
    for (const auto& piece : pieces) {
      ids[piece] = list.size();
      list.push_back(json::array{piece, -1.5});
    }
    auto& its = record["model"].as_object();
    if (its["type"] == "Unigram")
      its["vocab"] = list;
    else
      its["vocab"] = ids;
    std::ofstream(folder / "tokenizer.json") << json::serialize(record);
    const auto words = words_of(folder.path(), pieces.size()), older = words_of_fixture(name);
    EXPECT_EQ(words.rows, older.rows) << name;
    EXPECT_EQ(words.is_small, older.is_small);
    EXPECT_EQ(words.cuts_off_marks, older.cuts_off_marks);
    EXPECT_EQ(std::vector({words.begin, words.end, words.unk}),
              std::vector({older.begin, older.end, older.unk}));
  }
}

TEST(PretrainedWordsTest, APieceOfALetterGoesBeforeThatOfItsByte) {
  const TemporaryFolder folder;
  std::ofstream(folder / "tokenizer.json")
      << R"({"model": {"type": "BPE", "vocab": {"<unk>": 0, "<0x41>": 1, "<0x42>": 2, "<0xC3>": 3,)"
      << R"( "A": 4, "\u2581A": 5}}})";
  const auto words = words_of(folder.path(), 6);
  EXPECT_EQ(words.row_of("A"), 4);
  EXPECT_EQ(words.row_of(" A"), 5);
  EXPECT_EQ(words.row_of("B"), 2) << "it has no other";
  EXPECT_EQ(words.row_of("\xC3"), 3);
}

TEST(PretrainedWordsTest, BadFilesAreRefusedByName) {
  const TemporaryFolder folder;
  const auto said = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    auto message = message_of([&] { words_of(folder.path(), 3); });
    fs::remove(folder / name);
    EXPECT_NE(message.find(name), std::string::npos) << message;
    return message;
  };
  EXPECT_NE(said("vocab.txt", "a\nb\nc\nd\n").find("is of another model"), std::string::npos);
  EXPECT_NE(said("vocab.json", R"({"a": -1})").find("whole number"), std::string::npos);
  EXPECT_NE(said("tokenizer.json", R"({"model": {"type": "WordLevel"}})").find("WordLevel"),
            std::string::npos);
  EXPECT_NE(said("tokenizer.json", R"({"model": {"type": "Unigram", "vocab": [3]}})").find("list"),
            std::string::npos);
  EXPECT_NE(said("sentencepiece.bpe.model", "no model").find("SentencePiece"), std::string::npos);
  EXPECT_FALSE(read_pretrained_words(folder.path(), 3).has_value());
}

// ---- our tokenizer ------------------------------------------------------------------------------

const data::Tokenizer& tokenizer() {
  static const data::Tokenizer made = [] {
    const std::vector<std::string> texts(20, "the kettle is broken , no it is not !");
    std::size_t next = 0;
    return data::Tokenizer(
        data::Tokenizer::train({.vocab_size = 310}, [&]() -> std::optional<std::string> {
          return next == texts.size() ? std::nullopt : std::optional(texts[next++]);
        }));
  }();
  return made;
}

TEST(WordRowsTest, PiecesTakeTheRowOfTheSameText) {
  const auto pieces = pieces_of_fixture("roberta");
  const auto taken = rows_of_words(words_of_fixture("roberta"), tokenizer());
  std::int64_t counted = 0, copied = 0;
  for (data::TokenId id = 0; id < tokenizer().vocab_size(); ++id) {
    const auto row = taken.row.at(static_cast<std::size_t>(id));
    const auto& surface = tokenizer().surface(id);
    if (surface.empty()) continue;
    if (!tokenizer().is_byte(id)) ++counted;
    if (!tokenizer().is_byte(id) && row != kNone) ++copied;
    auto there = surface.starts_with(' ') ? "\u0120" + surface.substr(1) : surface;
    if (row == kNone) {
      EXPECT_EQ(std::ranges::find(pieces, there), pieces.end()) << surface;
    } else if (!tokenizer().is_byte(id)) {
      EXPECT_EQ(pieces.at(static_cast<std::size_t>(row)), there);
    }
  }
  EXPECT_EQ(taken.pieces, counted);
  EXPECT_EQ(taken.copied, copied);
  EXPECT_GT(copied, 10);
  EXPECT_LT(copied, counted) << "the fixture has few words";
}

TEST(WordRowsTest, SpecialIdsTakeTheRowsOfTheirRoles) {
  const auto taken = rows_of_words(words_of_fixture("camembert"), tokenizer());
  const auto& special = tokenizer().special();
  const auto row = [&](data::TokenId id) { return taken.row.at(static_cast<std::size_t>(id)); };
  EXPECT_EQ(row(special.pad), kNone);
  EXPECT_EQ(row(special.unk), 3);
  EXPECT_EQ(row(special.bos), 5);
  EXPECT_EQ(row(special.eos), 6);
  EXPECT_EQ(row(special.turn_end), 6);
  EXPECT_EQ(row(special.persona), kNone);
  EXPECT_EQ(row(special.first_speaker), kNone);
}

TEST(WordRowsTest, AModelsOwnSentencePieceModelTakesAllItsRows) {
  for (const std::string name : {"xlm-roberta", "camembert"}) {
    const auto pieces = pieces_of_fixture(name);
    const data::Tokenizer its(
        data::with_own_symbols(base::read_file(kEncoders / name / "sentencepiece.bpe.model")));
    const auto taken = rows_of_words(words_of_fixture(name), its);
    EXPECT_EQ(taken.copied, taken.pieces);
    EXPECT_EQ(static_cast<std::size_t>(taken.pieces),
              pieces.size() - (name == "camembert" ? 8 : 5));
    const auto record = read_object(kEncoders / "encoders.json").at(name).as_object();
    std::vector<std::int64_t> rows;
    for (const auto id : its.encode(record.at("text").as_string()))
      rows.push_back(taken.row.at(static_cast<std::size_t>(id)));
    EXPECT_EQ(rows, json::value_to<std::vector<std::int64_t>>(record.at("text_ids")))
        << "a text is cut as the library cuts it";
    for (data::TokenId id = its.special().count() + 256; id < its.vocab_size(); ++id)
      EXPECT_EQ(pieces.at(static_cast<std::size_t>(taken.row.at(static_cast<std::size_t>(id)))),
                its.piece(id));
  }
}

// ---- files --------------------------------------------------------------------------------------

TEST(EncoderFilesTest, TheHashIsOfAllThatIsRead) {
  const TemporaryFolder folder;
  const auto place = folder / "bert";
  fs::copy(kEncoders / "bert", place);
  std::set<std::string> hashes = {hash_of_encoder(place)};
  EXPECT_EQ(hash_of_encoder(kEncoders / "bert"), *hashes.begin()) << "not of where it lies";
  for (const auto* name :
       {"config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"}) {
    std::ofstream(place / name, std::ios::app) << " ";
    EXPECT_TRUE(hashes.insert(hash_of_encoder(place)).second) << name;
  }
  std::ofstream(place / "model.safetensors.index.json") << "{}";
  EXPECT_TRUE(hashes.insert(hash_of_encoder(place)).second) << "it says which shards are read";
  std::ofstream(place / "README.md") << "read by nobody";
  EXPECT_TRUE(hashes.contains(hash_of_encoder(place)));
  EXPECT_EQ(folder_of_encoder(place / "model.safetensors"), place);
}

}  // namespace
}  // namespace banter::models
