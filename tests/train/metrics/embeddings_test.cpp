#include "train/metrics/texts/embeddings.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/hash.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/metrics/texts.h"

namespace banter::train {
namespace {

class WordVectorsTest : public testing::Test {
 protected:
  WordVectors read(const std::string& text,
                   const std::unordered_set<std::string>& wanted = {"a", "b", "c", "d", "z"}) {
    std::ofstream(file_, std::ios::binary) << text;
    return WordVectors::read(file_, wanted);
  }
  /// The rule that a text breaks, without the file's name.
  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const base::DataError& error) {
      const std::string what = error.what();
      return what.substr(what.find("v.txt") + 5);
    }
    return "no error";
  }
  tests::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "v.txt";
};

const std::string kGolden = "a 1 0\nb 0 2\nc -4 0\nd 3 0\nz 0 0\n";

TEST_F(WordVectorsTest, GoldenExample) {
  const auto vectors = read(kGolden);
  const MetricSettings settings{.vectors = &vectors};
  const auto samples = tests::samples_of({"c d"}, {"a b"});
  EXPECT_NEAR(tests::value_of("embed_avg", samples, settings), -0.447214, 1e-6);
  EXPECT_NEAR(tests::value_of("embed_extrema", samples, settings), -0.447214, 1e-6);
  EXPECT_NEAR(tests::value_of("embed_greedy", samples, settings), 1.5, 1e-12);
  EXPECT_NEAR(tests::value_of("embed_greedy_cos", samples, settings), 0.5, 1e-12);
}

TEST_F(WordVectorsTest, TheTwoSidesAreNotExchangeable) {
  const auto vectors = read(kGolden);
  const MetricSettings settings{.vectors = &vectors};
  const auto no_reply = tests::samples_of({"unknown", "a"}, {"a", "a"});
  EXPECT_NEAR(tests::value_of("embed_avg", no_reply, settings), 0.5, 1e-12) << "counts as 0";
  const auto no_reference = tests::samples_of({"a", "a"}, {"unknown", "a"});
  EXPECT_NEAR(tests::value_of("embed_avg", no_reference, settings), 1, 1e-12) << "is skipped";
  EXPECT_NEAR(tests::value_of("embed_extrema", no_reference, settings), 1, 1e-12);
  EXPECT_NEAR(tests::value_of("embed_greedy_cos", no_reference, settings), 0.5, 1e-12) << "kept";
}

TEST_F(WordVectorsTest, SkippedPairsAreCounted) {
  const auto vectors = read(kGolden);
  PieceVocabulary vocabulary;
  const auto samples = tests::samples_of({"a", "a", "a"}, {"unknown", "z", "a"});
  const auto measured = measure(samples, metrics_named(std::vector<std::string>{"embed"}),
                                {.vectors = &vectors}, vocabulary);
  EXPECT_EQ(measured.counted(), (std::vector<std::uint64_t>{1, 1, 3, 3}));
  const auto none = tests::samples_of({"a"}, {"unknown"});
  EXPECT_TRUE(std::isnan(tests::value_of("embed_avg", none, {.vectors = &vectors})));
}

TEST_F(WordVectorsTest, AWordThatOccursTwiceCountsTwiceAndCaseDoesNotMatter) {
  const auto vectors = read(kGolden);
  const auto samples = tests::samples_of({"A a b"}, {"a"});
  EXPECT_NEAR(tests::value_of("embed_avg", samples, {.vectors = &vectors}), 2 / std::sqrt(8.0),
              1e-12);
}

TEST_F(WordVectorsTest, OfTwoExtremesThePositiveOneCounts) {
  const auto vectors = read("a 2 1\nb -2 1\n");
  const auto samples = tests::samples_of({"a b"}, {"a"});
  EXPECT_NEAR(tests::value_of("embed_extrema", samples, {.vectors = &vectors}), 1, 1e-6);
}

TEST_F(WordVectorsTest, ReadsBothFormsAndKeepsOnlyWhatIsWanted) {
  for (const auto* text : {"a 1 2\nq x y\nb 3 4\n", "3 2\na 1 2\nq x y\nb 3 4 \n",
                           "3 2\r\na\t1 2\r\nq x y\r\nb 3 4"}) {
    const auto vectors = read(text);
    EXPECT_EQ(vectors.dimensions(), 2U);
    EXPECT_EQ(vectors.words(), 2U);
    EXPECT_EQ(vectors.words_of_file(), 3U);
    ASSERT_EQ(vectors.find("b").size(), 2U) << text;
    EXPECT_EQ(vectors.find("b")[1], 4);
    EXPECT_TRUE(vectors.find("q").empty());
    EXPECT_EQ(vectors.hash(), base::sha256_hex(text));
  }
}

TEST_F(WordVectorsTest, TheFirstOfTwoVectorsCountsAndWordsWithSpacesArePassedOver) {
  const auto vectors = read("a 1 2\na 3 4\n. . . 5 6\nb 7 8\n");
  EXPECT_EQ(vectors.find("a")[0], 1);
  EXPECT_EQ(vectors.find("b")[1], 8);
  EXPECT_EQ(vectors.words(), 2U);
}

TEST_F(WordVectorsTest, NumbersTooSmallFor32BitsAreZero) {
  EXPECT_EQ(read("a 1e-60 -2.5e-1\n").find("a")[0], 0);
  EXPECT_EQ(read("a 1e-60 -2.5e-1\n").find("a")[1], -0.25F);
}

TEST_F(WordVectorsTest, DamageIsAnErrorWithLineAndRule) {
  EXPECT_EQ(error_of("a 1 2\nb 3\n"),
            ":2: has 1 numbers behind its word, expected 2 as the first line has it");
  EXPECT_EQ(error_of("a 1 2\nq 3 4 5\n"),
            ":2: has 3 numbers behind its word, expected 2 as the first line has it");
  EXPECT_EQ(error_of("a 1 2\n\nb 1 2\n"),
            ":2: has 0 numbers behind its word, expected 2 as the first line has it");
  EXPECT_EQ(error_of("a 1 2\nb 1 x\n"),
            ":2: \"x\" is no finite number (32 bits): the vector is damaged");
  for (const auto* number : {"nan", "inf", "1e39", "1e999", "1,5", "0x10"})
    EXPECT_NE(error_of("a 1 2\nb 1 " + std::string(number) + "\n").find(":2: "), std::string::npos)
        << number;
  EXPECT_EQ(error_of("3 2\na 1 2\nb 1 2\n"),
            ": has 2 words, and its first line says 3: it is cut or damaged");
  EXPECT_EQ(error_of(""), ": holds no vector: expected a word and its numbers a line");
  EXPECT_EQ(error_of("0 4\n"), ": holds no vector: expected a word and its numbers a line");
  EXPECT_EQ(error_of("2 0\na\nb\n"), ":1: says that vectors have 0 numbers");
  EXPECT_THROW(WordVectors::read(folder_ / "missing", {}), base::FileError);
}

TEST_F(WordVectorsTest, SizesThatOnlyTheFirstLineClaimsCostNothing) {
  EXPECT_EQ(error_of("18446744073709551615 2\na 1 2\n"),
            ": has 1 words, and its first line says 18446744073709551615: it is cut or damaged");
  EXPECT_EQ(error_of("1 18446744073709551615\na 1 2\n"),
            ":2: has 2 numbers behind its word, expected 18446744073709551615 as the first line "
            "has it");
}

TEST_F(WordVectorsTest, OtherFormsAreKnownAndSayWhatToDo) {
  const std::string number("\x9A\x99\x99\x3E", 4);  // 0.3, as word2vec's binary form has it
  EXPECT_EQ(error_of("2 2\na " + number + number + "\nb " + number + number + "\n"),
            ":2: is in word2vec's binary form: write it as text (word2vec -binary 0, or gensim's "
            "save_word2vec_format(FILE, binary=False))");
  EXPECT_EQ(error_of(std::string("\x1F\x8B\x08\x00", 4)), ": is packed (gzip): unpack it first");
  EXPECT_EQ(error_of(std::string("\xBA\x16\x4F\x2F\x0C\x00", 6)),
            ": is a model of fastText (.bin): give the text file beside it (.vec)");
  EXPECT_EQ(read("1 2\na\t1 2\n").words(), 1U) << "a tab is text";
}

TEST_F(WordVectorsTest, ALookAtTheFirstLinesFindsAnotherForm) {
  const auto error_of = [&](const std::string& text) -> std::string {
    std::ofstream(file_, std::ios::binary) << text;
    try {
      WordVectors::check(file_);
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of("yes 1 2\nno 3 4\n"), "");
  EXPECT_EQ(error_of("700 2\nyes 1 2\n"), "") << "the others are read later";
  EXPECT_NE(error_of("700 2\nyes 1\n").find(":2: has 1 numbers behind its word, expected 2"),
            std::string::npos);
  EXPECT_NE(error_of("7 2\nyes \x01\x02\x03\x04\n").find("word2vec's binary form"),
            std::string::npos);
  EXPECT_NE(error_of("\x1F\x8B...\n").find("is packed (gzip)"), std::string::npos);
  EXPECT_NE(error_of("").find("holds no vector"), std::string::npos);
  EXPECT_NE(error_of("{\"reply\": \"yes\"}\n"), "");
}

}  // namespace
}  // namespace banter::train
