// What of a Hugging Face folder is text: config.json, generation_config.json, the vocabulary.

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "data/tokenizer/tokenizer.h"
#include "models/hugging_face/generation.h"
#include "models/hugging_face/network.h"
#include "models/hugging_face/new_folder.h"
#include "models/hugging_face/vocabulary.h"
#include "tests/hugging_face/fixtures.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

namespace fs = std::filesystem;
namespace json = base::json;
using data::SpecialIds;
using tests::TemporaryFolder;

json::object config_of(const std::string& name) { return read_config(kFixtures / name); }

Network network(const std::string& name) { return network_of(config_of(name), "config.json"); }

// ---- config.json ------------------------------------------------------------------------------

TEST(NetworkTest, IsThatOfItsFamily) {
  const auto marian = network("marian");
  EXPECT_EQ(marian.layers.norm, "post");
  EXPECT_EQ(marian.layers.positions, "sinusoidal");
  EXPECT_EQ(marian.layers.activation, "swish");
  EXPECT_TRUE(marian.layers.scale_embedding);
  EXPECT_FALSE(marian.layers.embedding_norm);
  EXPECT_FALSE(marian.layers.final_norm);
  const auto mbart = network("mbart");
  EXPECT_EQ(mbart.layers.norm, "pre");
  EXPECT_EQ(mbart.layers.positions, "learned");
  EXPECT_EQ(mbart.layers.position_offset, 2);
  EXPECT_EQ(mbart.layers.max_positions, 24);
  EXPECT_TRUE(mbart.layers.embedding_norm);
  EXPECT_TRUE(mbart.layers.final_norm);
}

TEST(NetworkTest, ComesBackFromItsConfig) {
  for (const char* name : {"marian", "mbart"}) {
    const auto there = network(name);
    const auto back = network_of(config_json(there), "config.json");
    EXPECT_EQ(model_section(back), model_section(there));
    EXPECT_EQ(config_json(back), config_json(there));
  }
}

TEST(NetworkTest, RefusesWhatTheTransformerCannotBeAndNamesTheKey) {
  const struct {
    const char* key;
    json::value value;
    const char* part;
  } wrong[] = {
      {"model_type", "t5", "marian or mbart"},
      {"model_type", nullptr, "marian or mbart"},
      {"activation_function", "gelu_new", "gelu, relu, silu or swish"},
      {"decoder_ffn_dim", 13, "the same as \"encoder_ffn_dim\", which is 12"},
      {"decoder_attention_heads", 4, "encoder_attention_heads"},
      {"encoder_attention_heads", 3, "encoder_attention_heads"},
      {"share_encoder_decoder_embeddings", false, "true here"},
      {"decoder_vocab_size", 7, "vocab_size"},
      {"normalize_before", true, "false here"},
      {"static_position_embeddings", false, "true here"},
      {"normalize_embedding", true, "false here"},
      {"is_encoder_decoder", false, "true here"},
      {"d_model", "8", "a whole number from 1"},
      {"encoder_layers", 0, "a whole number from 1"},
      {"pad_token_id", 53, "more than the ids"},
      {"eos_token_id", json::array{0, 1}, "a whole number from 0"},
      {"dropout", 1.0, "a number in [0, 1)"},
      {"vocab_size", nullptr, "a whole number from 1"},
  };
  for (const auto& [key, value, part] : wrong) {
    auto config = config_of("marian");
    config[key] = value;
    if (std::string_view(key) == "encoder_attention_heads")
      config["decoder_attention_heads"] = value;
    const auto message = message_of([&] { static_cast<void>(network_of(config, "config.json")); });
    const auto named = std::string_view(key) == "pad_token_id" ? "vocab_size" : key;
    EXPECT_NE(message.find("config.json: \"" + std::string(named) + "\""), std::string::npos)
        << key << ": " << message;
    EXPECT_NE(message.find(part), std::string::npos) << key << ": " << message;
  }
}

TEST(NetworkTest, IdsOfGenerationAreThoseOfItsOwnFile) {
  EXPECT_EQ(network("mbart50").forced_bos, 59);
  EXPECT_EQ(network("mbart").forced_bos, SpecialIds::kNone);
}

TEST(NetworkTest, TellsWhatIsLeftOut) {
  EXPECT_EQ(left_out({{"attention_dropout", 0.0}}), "");
  EXPECT_EQ(left_out({{"attention_dropout", 0.1}, {"decoder_layerdrop", 0.2}}),
            "attention_dropout 0.1, decoder_layerdrop 0.2");
}

// ---- generation_config.json -------------------------------------------------------------------

class FolderTest : public testing::Test {
 protected:
  fs::path copy_of(const std::string& name) {
    fs::remove_all(folder_ / name);
    fs::copy(kFixtures / name, folder_ / name);
    return folder_ / name;
  }
  static void write(const fs::path& file, const json::value& value) {
    std::ofstream(file) << json::serialize(value);
  }
  static DecodingOptions decoding(const fs::path& folder) {
    const auto generation = read_generation(folder, network("marian"));
    const auto config = configs::Config::parse(decoding_section(generation.options), "generation");
    auto section = config.root().section("decoding");
    auto options = DecodingOptions::from(section);
    section.reject_unknown();
    return options;
  }
  TemporaryFolder folder_;
};

TEST_F(FolderTest, DecodesAsItsGenerationConfigAsks) {
  const auto from = copy_of("marian");
  EXPECT_EQ(decoding(from).method, "greedy");
  EXPECT_EQ(decoding(from).max_new_tokens, 12);  // of 14: the first input and the forced </s>
  write(from / "generation_config.json", {{"num_beams", 6},
                                          {"max_length", 512},
                                          {"length_penalty", 0.5},
                                          {"no_repeat_ngram_size", 3}});
  const auto options = decoding(from);
  EXPECT_EQ(options.method, "beam");
  EXPECT_EQ(options.beam_size, 6);
  EXPECT_EQ(options.max_new_tokens, 23);  // of 24 positions
  EXPECT_EQ(options.length_penalty, 0.5);
  EXPECT_EQ(options.no_repeat_ngram_size, 3);
  write(from / "generation_config.json", {{"do_sample", true}, {"top_p", 0.9}});
  EXPECT_EQ(decoding(from).method, "sample");
  EXPECT_EQ(decoding(from).top_p, 0.9);
}

TEST_F(FolderTest, LengthsAndDrawsAreThoseOfTheLibrary) {
  const auto from = copy_of("marian");
  const auto asked = [&](const json::object& generation) {
    write(from / "generation_config.json", generation);
    return decoding(from);
  };
  EXPECT_EQ(asked({}).min_new_tokens, 0);
  EXPECT_EQ(asked({{"min_length", 5}}).min_new_tokens, 4);  // the first input counts there
  EXPECT_EQ(asked({{"min_length", 5}, {"min_new_tokens", 7}}).min_new_tokens, 7);
  EXPECT_EQ(asked({{"max_length", 9}, {"forced_eos_token_id", 0}}).max_new_tokens, 7);
  EXPECT_EQ(
      asked({{"max_length", 9}, {"forced_eos_token_id", 0}, {"min_length", 9}}).min_new_tokens, 7);
  EXPECT_EQ(asked({{"max_length", std::int64_t{1} << 62}}).max_new_tokens, 23);
  EXPECT_EQ(asked({{"encoder_no_repeat_ngram_size", 3}}).context_no_repeat_ngram_size, 3);
  EXPECT_EQ(asked({{"top_k", 5}}).top_k, 0) << "nothing is drawn";
  EXPECT_EQ(asked({{"do_sample", true}}).top_k, 50) << "where a folder does not say";
  EXPECT_EQ(asked({{"do_sample", true}, {"top_k", 0}}).top_k, 0);
  EXPECT_EQ(asked({{"length_penalty", 1e-7}}).length_penalty, 1e-7);
}

TEST_F(FolderTest, NamesTheFileAndTheKeyOfWhatDecodingCannotHave) {
  const auto from = copy_of("marian");
  const auto refused = [&](const json::object& generation) {
    write(from / "generation_config.json", generation);
    return message_of([&] { decoding(from); });
  };
  const auto where = (from / "generation_config.json").string();
  EXPECT_EQ(refused({{"num_beams", "six"}}),
            where + ": \"num_beams\" is \"six\", not a whole number");
  EXPECT_EQ(refused({{"num_beams", 4.5}}), where + ": \"num_beams\" is 4.5, not a whole number");
  EXPECT_EQ(refused({{"length_penalty", true}}),
            where + ": \"length_penalty\" is true, not a number");
  for (const json::object& one : {json::object{{"length_penalty", -1.0}},
                                  {{"num_beams", 2000}},
                                  {{"num_beams", 0}},
                                  {{"repetition_penalty", 0}},
                                  {{"temperature", 0.0}, {"do_sample", true}},
                                  {{"top_k", -1}, {"do_sample", true}}}) {
    const auto message = refused(one);
    EXPECT_TRUE(message.starts_with(where + ": \"" + std::string(one.begin()->key()) + "\" is "))
        << json::serialize(one) << ": " << message;
    EXPECT_NE(message.find("decoding."), std::string::npos) << message;
  }
  fs::remove(from / "generation_config.json");
  auto config = config_of("marian");
  config["num_beams"] = "six";
  write(from / "config.json", config);
  const auto message = message_of([&] { decoding(from); });
  EXPECT_TRUE(message.starts_with((from / "config.json").string())) << message;
}

TEST_F(FolderTest, TellsWhatRepliesAreChosenWithout) {
  const auto from = copy_of("marian");
  const auto told = [&](const json::object& generation) {
    write(from / "generation_config.json", generation);
    return read_generation(from, network("marian")).left_out;
  };
  EXPECT_EQ(read_generation(kFixtures / "marian", network("marian")).left_out, "") << "[[pad]]";
  EXPECT_EQ(told({{"early_stopping", false},
                  {"num_beam_groups", 1},
                  {"diversity_penalty", 0.0},
                  {"suppress_tokens", json::array{}},
                  {"min_p", nullptr},
                  {"use_cache", true}}),
            "");
  EXPECT_EQ(told({{"early_stopping", true}, {"num_beam_groups", 2}, {"diversity_penalty", 0.5}}),
            "diversity_penalty 0.5, early_stopping true, num_beam_groups 2");
  EXPECT_EQ(told(base::parse_json(R"({"bad_words_ids": [[52], [7]]})", "").as_object()),
            "bad_words_ids [[52],[7]]");
  EXPECT_EQ(told({{"do_sample", true}, {"num_beams", 4}}), "num_beams 4");
}

TEST_F(FolderTest, WritesLengthsThatFitIntoThePositions) {
  DecodingOptions options;
  options.max_new_tokens = 60;
  options.min_new_tokens = 5;
  options.context_no_repeat_ngram_size = 3;
  const auto written = generation_json(options, {}, /*max_positions=*/100);
  EXPECT_EQ(written.at("max_length"), 62);
  EXPECT_EQ(written.at("min_new_tokens"), 5);
  EXPECT_EQ(written.at("encoder_no_repeat_ngram_size"), 3);
  EXPECT_EQ(generation_json(options, {}, 24).at("max_length"), 25) << "the end needs no position";
  const auto from = copy_of("marian");  // of 24 positions
  write(from / "generation_config.json", generation_json(options, {}, 24));
  EXPECT_EQ(decoding(from).max_new_tokens, 23);
  EXPECT_EQ(decoding(from).min_new_tokens, 5);
}

TEST_F(FolderTest, OlderFoldersSayItInTheirConfig) {
  const auto from = copy_of("marian");
  fs::remove(from / "generation_config.json");
  auto config = config_of("marian");
  config["num_beams"] = 4;
  write(from / "config.json", config);
  EXPECT_EQ(decoding(from).beam_size, 4);
}

// ---- a folder's place -------------------------------------------------------------------------

TEST_F(FolderTest, AFolderStandsInItsPlaceWhenItIsWhole) {
  const auto left = [&] {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      names.insert(entry.path().filename());
    return names;
  };
  { const NewFolder dropped(folder_ / "run"); }
  EXPECT_EQ(left(), std::set<std::string>{});
  // Of a process that was killed, of one that is there, and no process's at all.
  const auto living = ".run.tmp-" + std::to_string(::getppid());
  for (const auto& name : {std::string(".run.tmp-999999999"), living, std::string(".run.tmp-x")})
    fs::create_directories(folder_ / name / "step-0");
  NewFolder place((folder_ / "run").string() + "/");
  std::ofstream(place.path() / "file") << "content";
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  place.publish();
  EXPECT_EQ(left(), (std::set<std::string>{"run", living, ".run.tmp-x"}));
  EXPECT_EQ(base::read_file(folder_ / "run" / "file"), "content");
  EXPECT_THROW(NewFolder(folder_ / "run"), base::UsageError);
}

// ---- vocabularies -----------------------------------------------------------------------------

data::PretrainedVocabulary vocabulary(const fs::path& folder, const Languages& languages = {}) {
  return read_vocabulary(folder, network(folder.filename()), languages).vocabulary;
}

TEST_F(FolderTest, MarianHasTheIdsOfItsVocabulary) {
  const auto marian = vocabulary(kFixtures / "marian");
  EXPECT_EQ(marian.special.eos, 0);
  EXPECT_EQ(marian.special.turn_end, 0);
  EXPECT_EQ(marian.special.unk, 1);
  EXPECT_EQ(marian.special.bos, marian.special.pad);
  EXPECT_EQ(marian.special.persona, SpecialIds::kNone);
  EXPECT_TRUE(marian.leading_marks);
  EXPECT_TRUE(marian.is_mark(2));
  EXPECT_EQ(marian.pieces.at(2), ">>de<<");
}

TEST_F(FolderTest, MbartsLanguagesStandBehindItsPieces) {
  const auto first = vocabulary(kFixtures / "mbart");
  const auto piece = [](const auto& of, data::TokenId id) {
    return id < 0 ? "" : of.pieces.at(static_cast<std::size_t>(id));
  };
  EXPECT_EQ(piece(first, first.special.bos), "de_DE");
  EXPECT_EQ(piece(first, first.special.context_end), "en_XX");
  EXPECT_EQ(first.special.context_begin, SpecialIds::kNone);
  EXPECT_EQ(first.special.reply_begin, SpecialIds::kNone);
  EXPECT_EQ(first.pieces.back(), "<mask>");
  const auto later = vocabulary(kFixtures / "mbart50");
  EXPECT_EQ(piece(later, later.special.bos), "</s>");
  EXPECT_EQ(piece(later, later.special.context_begin), "en_XX");
  EXPECT_EQ(piece(later, later.special.reply_begin), "de_DE");
  const auto asked = vocabulary(kFixtures / "mbart50", {.source = "sl_SI", .target = "fr_XX"});
  EXPECT_EQ(piece(asked, asked.special.context_begin), "sl_SI");
  EXPECT_EQ(piece(asked, asked.special.reply_begin), "fr_XX");
}

TEST_F(FolderTest, RefusesLanguagesThatAreNotKnownOrNotSaid) {
  const auto refused = [](const fs::path& folder, const Languages& languages) {
    return message_of([&] { vocabulary(folder, languages); });
  };
  EXPECT_NE(refused(kFixtures / "mbart", {.target = "sl_SI"}).find("\"sl_SI\" is not known"),
            std::string::npos);
  EXPECT_NE(refused(kFixtures / "marian", {.source = "en_XX"}).find("are for an mBART"),
            std::string::npos);
  const auto from = copy_of("mbart");
  fs::remove(from / "tokenizer_config.json");
  const auto message = refused(from, {});
  EXPECT_NE(message.find("(--source-language) is not said"), std::string::npos) << message;
  EXPECT_EQ(refused(from, {.source = "en_XX"}), "");
}

TEST_F(FolderTest, RefusesVocabulariesThatDoNotFit) {
  const auto refused = [&](const json::object& ids) {
    const auto from = copy_of("marian");
    write(from / "vocab.json", ids);
    return message_of([&] { vocabulary(from); });
  };
  EXPECT_NE(refused({{"<unk>", 1}, {"a", 53}}).find("below vocab_size, 53"), std::string::npos);
  EXPECT_NE(refused({{"<unk>", 1}, {"a", 1}}).find("have the same id"), std::string::npos);
  EXPECT_NE(refused({{"a", 1}}).find("has no <unk>"), std::string::npos);
  const auto from = copy_of("marian");
  write(from / "added_tokens.json", {{"<mine>", 53}});
  EXPECT_NE(message_of([&] { vocabulary(from); }).find("\"<mine>\" was added"), std::string::npos);
  const auto doubled = copy_of("mbart");
  auto model = base::read_file(doubled / "sentencepiece.bpe.model");
  const std::string piece = std::string(data::kSpaceMark) + "is",
                    language = "de_DE";  // as many bytes
  model.replace(model.find(piece), language.size(), language);
  std::ofstream(doubled / "sentencepiece.bpe.model") << model;
  EXPECT_NE(message_of([&] {
              vocabulary(doubled);
            }).find("sentencepiece.bpe.model: two ids have the piece \"de_DE\""),
            std::string::npos)
      << message_of([&] { vocabulary(doubled); });
  std::ofstream(copy_of("marian") / "source.spm") << "no model";
  EXPECT_NE(message_of([&] { vocabulary(folder_ / "marian"); }).find("source.spm: is no Sentence"),
            std::string::npos);
}

// ---- the tokenizer in a run -------------------------------------------------------------------

data::Tokenizer tokenizer(const std::string& name) {
  return data::Tokenizer(read_vocabulary(kFixtures / name, network(name), {}));
}

TEST_F(FolderTest, ATokenizerComesBackFromACheckpoint) {
  for (const char* name : {"marian", "mbart"}) {
    const auto made = tokenizer(name);
    fs::create_directory(folder_ / name);
    made.write_to(folder_ / name);
    const auto read = data::Tokenizer::open_folder(folder_ / name);
    EXPECT_EQ(read.hash(), made.hash());
    EXPECT_EQ(read.pretrained()->vocabulary, made.pretrained()->vocabulary);
    EXPECT_EQ(read.encode("look at this"), made.encode("look at this"));
    EXPECT_EQ(read.encode_reply("der kessel"), made.encode_reply("der kessel"));
  }
  EXPECT_NE(tokenizer("marian").hash(), tokenizer("mbart").hash());
}

TEST_F(FolderTest, AnotherIdMakesAnotherHash) {
  auto parts = read_vocabulary(kFixtures / "marian", network("marian"), {});
  const auto hash = data::Tokenizer(parts).hash();
  std::swap(parts.vocabulary.pieces[5], parts.vocabulary.pieces[6]);
  EXPECT_NE(data::Tokenizer(parts).hash(), hash);
}

TEST_F(FolderTest, TextIsSpelledWithoutMarksAndComesBack) {
  const auto marian = tokenizer("marian");
  EXPECT_EQ(marian.decode(marian.encode("look at the  kettle")), "look at the kettle");
  EXPECT_EQ(marian.decode(marian.encode_reply("der kessel")), "der kessel");
  for (const char* text : {"<pad>", "</s>", "a >>de<<", "de_DE", "<mask>"}) {
    const auto& special = marian.special();
    for (const auto id : marian.encode(text)) {
      EXPECT_NE(id, special.pad) << text;
      EXPECT_NE(id, special.eos) << text;
      EXPECT_NE(id, 2) << text;
    }
  }
  EXPECT_EQ(marian.encode(">>de<< look").front(), 2);  // Marian's way to name a language
  EXPECT_NE(marian.encode(">>xx<< look").front(), 2);
  EXPECT_EQ(marian.surface(2), "");
}

TEST_F(FolderTest, AVocabularyThatSpellsTextsIsNotAskedForWords) {
  const auto marian = tokenizer("marian");
  std::vector<data::TokenId> ids;
  EXPECT_DEATH(marian.append_word(" kettle", ids), "pretrained");
}

TEST_F(FolderTest, AVocabularyThatIsDamagedIsRefused) {
  const auto good = vocabulary(kFixtures / "marian");
  const auto where = "tokenizer.json";
  EXPECT_EQ(data::PretrainedVocabulary::parse(good.json(), where), good);
  const auto refused = [&](const std::function<void(json::object&)>& by) {
    auto record = base::parse_json(good.json(), where).as_object();
    by(record);
    return message_of([&] {
      static_cast<void>(data::PretrainedVocabulary::parse(json::serialize(record), where));
    });
  };
  EXPECT_EQ(refused([](json::object&) {}), "");
  EXPECT_NE(refused([](json::object& r) { r["version"] = 2; }).find("version 1"),
            std::string::npos);
  EXPECT_NE(refused([](json::object& r) { r["marks"] = {53}; }).find("outside"), std::string::npos);
  EXPECT_NE(refused([](json::object& r) { r["special"].as_object()["eos"] = -1; }).find("outside"),
            std::string::npos);
  EXPECT_NE(refused([](json::object& r) { r["special"].as_object().erase("eos"); }).find("eos"),
            std::string::npos);
  EXPECT_NE(refused([](json::object& r) {
              r["pieces"].as_array()[3] = r["pieces"].as_array()[4];
            }).find("two ids"),
            std::string::npos);
}

}  // namespace
}  // namespace banter::models
