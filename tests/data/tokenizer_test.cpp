#include "data/tokenizer/tokenizer.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/random.h"
#include "base/utf8.h"
#include "data/tokenizer/own_symbols.h"
#include "data/tokenizer/text_sample.h"
#include "data/tokenizer/word_encoder.h"

namespace banter::tests {
namespace {

namespace fs = std::filesystem;
using data::TokenId;
using data::Tokenizer;
using data::TokenizerOptions;

std::string train(const std::vector<std::string>& texts, const TokenizerOptions& options = {}) {
  std::size_t next = 0;
  return Tokenizer::train(options, [&]() -> std::optional<std::string> {
    if (next == texts.size()) return std::nullopt;
    return texts[next++];
  });
}

/// Small talk of made words, so that pieces longer than a letter are learnt.
std::vector<std::string> small_talk() {
  const std::vector<std::string> words = {"the",  "kettle", "is",   "broken", "again",  "please",
                                          "look", "at",     "this", "router", "friday", "no"};
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::string text;
    for (std::uint64_t j = 0; j < 3 + i % 7; ++j)
      text += (j == 0 ? "" : " ") + words[base::mix64(i * 31 + j) % words.size()];
    texts.push_back(text);
  }
  return texts;
}

const Tokenizer& tokenizer() {
  static const Tokenizer made(train(small_talk(), {.vocab_size = 400}));
  return made;
}

std::string utf8(char32_t c) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000)
    return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 0x3F)), byte(0x80 | (c & 0x3F))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 0x3F)), byte(0x80 | (c >> 6 & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

/// A valid text of any characters, with more of the awkward ones than chance would give.
std::string any_text(std::uint64_t key) {
  std::string text;
  for (std::uint64_t i = 0; i < base::mix64(key) % 14; ++i) {
    const auto draw = base::mix64(key * 1000 + i + 1);
    const auto value = static_cast<char32_t>(draw >> 8);
    char32_t c = ' ';
    if (draw % 4 == 1) c = 1 + value % 0x7F;
    if (draw % 4 == 2) c = 0x2580 + value % 16;  // around U+2581
    if (draw % 4 == 3) c = 1 + value % 0x10FFFE;
    if (c >= 0xD800 && c < 0xE000) c = ' ';
    text += utf8(c);
  }
  return text;
}

void expect_round_trip(const std::string& text) {
  const auto ids = tokenizer().encode(text);
  EXPECT_EQ(tokenizer().decode(ids), text);
  for (const TokenId id : ids) {
    EXPECT_GE(id, tokenizer().special().count()) << base::printable(text);
    EXPECT_LT(id, tokenizer().vocab_size());
  }
}

TEST(TokenizerTest, ANulThatAModelChoseIsNoPartOfAText) {
  for (TokenId id = 0; id < tokenizer().vocab_size(); ++id) {
    if (tokenizer().surface(id) != std::string(1, '\0')) continue;
    auto ids = tokenizer().encode("the kettle");
    ids.push_back(id);
    EXPECT_EQ(tokenizer().decode(ids), "the kettle\xEF\xBF\xBD");
    return;
  }
  FAIL() << "every byte has a piece";
}

TEST(TokenizerTest, AnyTextComesBackByteForByte) {
  for (const char* text :
       {"", " ", "  ", " a", "a ", "  a  b  ", "the kettle is broken", "\t\n\r\x01\x7F",
        "\xE2\x96\x81", "a\xE2\x96\x81 \xE2\x96\x81\xE2\x96\x81 b", "\xE2\x96\x85", "\xEF\xBB\xBF",
        "e\xCC\x81", "\xF0\x9F\x98\x80 \xF0\x9F\x91\xA8\xE2\x80\x8D"})
    expect_round_trip(text);
  for (std::uint64_t key = 0; key < 20'000; ++key) expect_round_trip(any_text(key));
}

TEST(TokenizerTest, TextCannotForgeAReservedSymbol) {
  for (const char* text : {"<s>", "</s>", "<pad>", "<unk>", "<turn>", "<persona>", "<speaker:A>",
                           "<0x41>", "<s> </s> <0x0A>"})
    expect_round_trip(text);
}

TEST(TokenizerTest, ForgedSymbolsInTheCorpusDoNotStopTraining) {
  auto texts = small_talk();
  for (int i = 0; i < 200; ++i)
    for (const char* text : {"<s>", "</s>", "<0x41>", "<turn>", "a\tb", "\xE2\x96\x81x"})
      texts.emplace_back(text);
  const Tokenizer forged(train(texts, {.vocab_size = 500}));
  for (const char* text : {"<s>", "</s>", "<0x41>", "<turn>"}) {
    const auto ids = forged.encode(text);
    EXPECT_EQ(forged.decode(ids), text);
    for (const TokenId id : ids) {
      EXPECT_GE(id, forged.special().count());
      EXPECT_FALSE(forged.is_byte(id)) << forged.piece(id);  // ordinary pieces
    }
  }
}

TEST(TokenizerTest, LearntWordsAreOnePieceAtTheStartAndInTheMiddle) {
  const auto first = tokenizer().encode("kettle");
  const auto second = tokenizer().encode("the kettle");
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(second.back(), first.front());
}

TEST(TokenizerTest, SpecialIdsAreWhereTheRecordSays) {
  EXPECT_EQ(tokenizer().piece(tokenizer().special().pad), "<pad>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().unk), "<unk>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().bos), "<s>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().eos), "</s>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().turn_end), "<turn>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().persona), "<persona>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().unknown_speaker), "<speaker:?>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().first_speaker), "<speaker:A>");
  EXPECT_EQ(tokenizer().piece(tokenizer().special().count() - 1), "<speaker:H>");
}

TEST(TokenizerTest, AnyIdsDecodeToValidUtf8) {
  for (std::uint64_t key = 0; key < 5'000; ++key) {
    std::vector<TokenId> ids(8);
    for (std::uint64_t i = 0; i < ids.size(); ++i)
      ids[i] = static_cast<TokenId>(base::mix64(key * 8 + i) %
                                    static_cast<std::uint64_t>(tokenizer().vocab_size()));
    EXPECT_FALSE(base::first_bad_utf8(tokenizer().decode(ids)));
  }
}

TEST(TokenizerTest, SpecialIdsVanishAndForeignIdsThrow) {
  auto ids = tokenizer().encode("the router");
  ids.insert(ids.begin(), tokenizer().special().bos);
  ids.push_back(tokenizer().special().turn_end);
  EXPECT_EQ(tokenizer().decode(ids), "the router");
  EXPECT_THROW(tokenizer().decode(std::vector<TokenId>{tokenizer().vocab_size()}), base::DataError);
  EXPECT_THROW(tokenizer().decode(std::vector<TokenId>{-1}), base::DataError);
}

TEST(TokenizerTest, TheSameCorpusGivesTheSameBytes) {
  for (const char* type : {"unigram", "bpe"}) {
    const TokenizerOptions options{.type = type, .vocab_size = 400};
    EXPECT_EQ(train(small_talk(), options), train(small_talk(), options)) << type;
  }
}

TEST(TokenizerTest, BpeRoundTripsToo) {
  const Tokenizer bpe(train(small_talk(), {.type = "bpe", .vocab_size = 400}));
  for (std::uint64_t key = 0; key < 2'000; ++key) {
    const auto text = any_text(key);
    EXPECT_EQ(bpe.decode(bpe.encode(text)), text);
  }
}

TEST(TokenizerTest, OneShortTextIsEnoughAndNoneIsAnError) {
  const Tokenizer tiny(train({"hi"}, {.vocab_size = 8000}));
  EXPECT_LT(tiny.vocab_size(), 8000);
  EXPECT_EQ(tiny.decode(tiny.encode("something else")), "something else");
  EXPECT_THROW(train({}), base::DataError);
  EXPECT_THROW(train({" ", "\t"}), base::DataError);
}

TEST(TokenizerTest, AVocabularyTooSmallForTheTextIsAnError) {
  std::string many;
  for (char32_t c = 0x4E00; c < 0x4E00 + 200; ++c) many += utf8(c);
  EXPECT_THROW(train({many, many}, {.vocab_size = 300, .character_coverage = 1.0}),
               base::DataError);
}

TEST(TokenizerTest, OtherBytesAreNoTokenizer) {
  EXPECT_THROW(Tokenizer("not a model"), base::DataError);
  EXPECT_THROW(Tokenizer(""), base::DataError);
}

// ---- SentencePiece models of others -------------------------------------------------------------

/// A model that was trained without our symbols: <unk>, <s>, </s>, then pieces; its texts are
/// normalised, and get a space in front.
std::string foreign_model(const std::string& type, const std::string& self_tests = "3") {
  const auto file = fs::temp_directory_path() / ("banter-foreign-" + std::to_string(::getpid()));
  std::ofstream(file) << [] {
    std::string lines;
    for (const auto& text : small_talk()) lines += text + "\n";
    return lines;
  }();
  std::string model;
  sentencepiece::SentencePieceTrainer::Train({{"input", file.string()},
                                              {"model_type", type},
                                              {"vocab_size", "70"},
                                              {"hard_vocab_limit", "false"},
                                              {"self_test_sample_size", self_tests},
                                              {"minloglevel", "2"}},
                                             nullptr, &model);
  fs::remove(file);
  return model;
}

TEST(OwnSymbolsTest, AModelOfOthersCutsWordsAsBefore) {
  for (const std::string type : {"unigram", "bpe"}) {
    const auto model = foreign_model(type);
    sentencepiece::SentencePieceProcessor before;
    ASSERT_TRUE(before.LoadFromSerializedProto(model).ok());
    const Tokenizer own(data::with_own_symbols(model));
    for (const auto& text : small_talk()) {
      std::vector<std::string> pieces, expected;
      for (const auto id : own.encode(text)) pieces.push_back(own.piece(id));
      ASSERT_TRUE(before.Encode(text, &expected).ok());
      ASSERT_EQ(pieces, expected) << type;
    }
  }
}

TEST(OwnSymbolsTest, AModelOfOthersKeepsEveryTextAsItIs) {
  const auto model = foreign_model("unigram");
  const Tokenizer own(data::with_own_symbols(model));
  EXPECT_EQ(own.vocab_size(), own.special().count() + 256 + std::ssize(data::pieces_of(model)) - 3);
  for (const std::string text : {"the  router \uff01", " <s> <0x41>\t", "\u2581\u4e2d"}) {
    EXPECT_EQ(own.decode(own.encode(text)), text);
    for (const auto id : own.encode(text)) EXPECT_GE(id, own.special().count());
  }
}

TEST(OwnSymbolsTest, OurModelsStayAsTheyAreAndOtherFilesAreRefused) {
  EXPECT_EQ(data::with_own_symbols(tokenizer().model()), tokenizer().model());
  EXPECT_THROW(data::with_own_symbols("no model"), base::DataError);
  const auto model = foreign_model("unigram");
  EXPECT_THROW(data::with_own_symbols(model.substr(0, model.size() / 2)), base::DataError);
  const std::string suffixes = "\x12\x03\xC0\x01\x01";  // trainer_spec: treat_whitespace_as_suffix
  EXPECT_THROW(data::with_own_symbols(model + suffixes), base::DataError);
  // normalizer_spec: escape_whitespaces = false
  const std::string unescaped("\x1A\x02\x28\x00", 4);
  try {
    data::with_own_symbols(foreign_model("unigram", /*self_tests=*/"0") + unescaped);
    FAIL();
  } catch (const base::DataError& error) {
    EXPECT_NE(std::string(error.what()).find("escape_whitespaces is false"), std::string::npos)
        << error.what();
  }
}

TEST(WordEncoderTest, GivesTheIdsOfTheTokenizerWhateverItHasSeen) {
  for (const char* type : {"unigram", "bpe"}) {
    const Tokenizer made(train(small_talk(), {.type = type, .vocab_size = 400}));
    data::WordEncoder encoder(made);
    for (int round = 0; round < 2; ++round) {
      for (std::uint64_t key = 0; key < 2000; ++key) {
        const auto text = any_text(key);
        ASSERT_EQ(encoder.encode(text), made.encode(text)) << text;
      }
      for (const auto& text : small_talk()) ASSERT_EQ(encoder.encode(text), made.encode(text));
    }
    const std::string odd = "  two  spaces " + std::string(100, 'x') + " \xE2\x96\x81 ";
    EXPECT_EQ(encoder.encode(odd), made.encode(odd));
    EXPECT_EQ(encoder.encode(""), made.encode(""));
  }
}

TEST(WordEncoderTest, MoreWordsThanItRemembersAreEncodedAllTheSame) {
  data::WordEncoder encoder(tokenizer());
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    const auto word = "w" + std::to_string(base::mix64(i));
    if (i % 1000 < 3 || i > 39'900)
      ASSERT_EQ(encoder.encode(word), tokenizer().encode(word));
    else
      (void)encoder.encode(word);
  }
}

TEST(TextSampleTest, StaysBelowItsBytesAndDependsOnTheSeed) {
  const auto sample = [](std::uint64_t seed) {
    data::TextSample texts(1000, seed);
    for (int i = 0; i < 5000; ++i) texts.add("text " + std::to_string(i));
    EXPECT_LE(texts.bytes(), 1000U);
    std::vector<std::string> taken;
    while (auto text = texts.take()) taken.push_back(*text);
    return taken;
  };
  const auto first = sample(1);
  EXPECT_GT(first.size(), 80U);
  EXPECT_EQ(first, sample(1));
  EXPECT_NE(first, sample(2));
}

TEST(TextSampleTest, KeepsEverythingThatFitsInOrder) {
  data::TextSample texts(1000, 1);
  for (const char* text : {"c", "a", "b"}) texts.add(text);
  EXPECT_EQ(texts.take(), "c");
  EXPECT_EQ(texts.take(), "a");
  EXPECT_EQ(texts.take(), "b");
  EXPECT_EQ(texts.take(), std::nullopt);
}

}  // namespace
}  // namespace banter::tests
