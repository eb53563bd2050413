#include <algorithm>
#include <cmath>
#include <fstream>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/random.h"
#include "tests/support/stop_signal.h"
#include "tests/support/temporary_folder.h"
#include "train/commands.h"
#include "train/metrics/texts/word_vectors.h"
#include "train/vectors/training.h"

namespace banter::train {
namespace {

/// Turns about food and turns about ships, whose words never meet.
std::string two_topics(std::size_t turns) {
  const std::vector<std::vector<std::string>> topics = {
      {"bread", "butter", "cheese", "soup", "salt", "plate"},
      {"ship", "harbour", "sail", "anchor", "wave", "captain"}};
  std::string text;
  for (std::size_t i = 0; i < turns; ++i) {
    const auto& words = topics[i % 2];
    for (std::uint64_t w = 0; w < 8; ++w) text += words[base::join_keys(i, w) % words.size()] + " ";
    text += "\n";
  }
  return text;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0, norm = 0, other = 0;
  for (std::size_t d = 0; d < a.size(); ++d) {
    product += static_cast<double>(a[d]) * static_cast<double>(b[d]);
    norm += static_cast<double>(a[d]) * static_cast<double>(a[d]);
    other += static_cast<double>(b[d]) * static_cast<double>(b[d]);
  }
  return product / std::sqrt(norm * other);
}

class VectorTrainingTest : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  static std::string error_of(const std::filesystem::path& words, const VectorOptions& options) {
    try {
      (void)train_vectors(words, options);
    } catch (const base::Error& error) {
      return error.what();
    }
    return "no error";
  }
  tests::TemporaryFolder folder_;
  VectorOptions small_{.dimensions = 12, .epochs = 8, .min_count = 2, .sample = 1};
};

TEST_F(VectorTrainingTest, WordsOfOneTopicAreNearerThanThoseOfTwo) {
  const auto words = file("words", two_topics(500));
  for (const bool cbow : {false, true}) {
    small_.cbow = cbow;
    const auto trained = train_vectors(words, small_);
    EXPECT_EQ(trained.words, 12U);
    const auto vectors = WordVectors::from_text(
        trained.text, "trained", {"bread", "cheese", "soup", "ship", "anchor", "</s>"});
    EXPECT_EQ(vectors.dimensions(), 12U);
    EXPECT_EQ(vectors.words_of_file(), 12U);
    EXPECT_TRUE(vectors.find("</s>").empty()) << "the end of a line is no word";
    const auto v = [&](const char* word) { return vectors.find(word); };
    for (const auto* food : {"cheese", "soup"})
      EXPECT_GT(cosine(v("bread"), v(food)), cosine(v(food), v("ship")) + 0.2) << cbow << food;
    EXPECT_GT(cosine(v("ship"), v("anchor")), cosine(v("bread"), v("anchor")) + 0.2) << cbow;
  }
}

TEST_F(VectorTrainingTest, EqualSeedsGiveEqualBytesAndOtherSeedsOthers) {
  const auto words = file("words", two_topics(100));
  const auto first = train_vectors(words, small_).text;
  EXPECT_EQ(train_vectors(words, small_).text, first);
  small_.seed = 2;
  EXPECT_NE(train_vectors(words, small_).text, first);
}

TEST_F(VectorTrainingTest, EveryOptionIsUsed) {
  const auto words = file("words", two_topics(100) + "rare\n");
  const auto first = train_vectors(words, small_).text;
  for (const auto& change : std::vector<void (*)(VectorOptions&)>{
           [](auto& o) { o.cbow = true; }, [](auto& o) { o.dimensions = 5; },
           [](auto& o) { o.epochs = 2; }, [](auto& o) { o.min_count = 1; },
           [](auto& o) { o.window = 1; }, [](auto& o) { o.negatives = 1; },
           [](auto& o) { o.sample = 0.01; }, [](auto& o) { o.lr = 0.01; }}) {
    auto options = small_;
    change(options);
    EXPECT_NE(train_vectors(words, options).text, first);
  }
}

TEST_F(VectorTrainingTest, WordsAreNoLabelsWhateverTheyLookLike) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "__label__a b c\n";
  EXPECT_EQ(train_vectors(file("words", text), small_).words, 3U);
}

TEST_F(VectorTrainingTest, TooFewWordsAreAnErrorAndNoEndlessLoop) {
  const std::string wanted =
      "fewer than two words stand 2 times or more; give more text or a smaller --min-count";
  EXPECT_EQ(error_of(file("empty", ""), small_), wanted);
  EXPECT_EQ(error_of(file("rare", "a b c d\n"), small_), wanted);
  EXPECT_EQ(error_of(file("lines", "\n\n\n\n"), small_), wanted);
  EXPECT_EQ(error_of(file("one", "a a a a a a a\n"), small_), wanted);
  EXPECT_NE(error_of(folder_ / "missing", small_).find("missing"), std::string::npos);
}

TEST_F(VectorTrainingTest, NothingIsPrinted) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  (void)train_vectors(file("words", two_topics(50)), small_);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST_F(VectorTrainingTest, ASignalEndsIt) {
  small_.epochs = 1'000'000;
  const auto words = file("words", two_topics(50));
  const tests::StopSignal stop;
  EXPECT_THROW((void)train_vectors(words, small_), base::Stopped);
}

TEST_F(VectorTrainingTest, ProgressRisesToTheEnd) {
  std::vector<double> shares;
  (void)train_vectors(file("words", two_topics(400)), small_,
                      [&](double share) { shares.push_back(share); });
  ASSERT_GT(shares.size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(shares));
  EXPECT_LE(shares.back(), 1);
}

/// `banter vectors` on a corpus of its own.
class VectorsCommandTest : public VectorTrainingTest {
 protected:
  [[nodiscard]] std::string corpus() const {
    std::string lines;
    for (int i = 0; i < 60; ++i)
      lines += "{\"id\": \"" + std::to_string(i) +
               "\", \"turns\": [{\"speaker\": \"a\", \"text\": \"Is the SHOP open?\"}, "
               "{\"speaker\": \"b\", \"text\": \"until six, friend\"}]}\n";
    return file("d.jsonl", lines).string();
  }
  [[nodiscard]] std::string output() const { return (folder_ / "v.vec").string(); }
  static std::string run(const std::vector<std::string>& arguments) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_vectors(arguments), 0);
    return testing::internal::GetCapturedStdout();
  }
};

TEST_F(VectorsCommandTest, WritesTheVectorsOfTheWordsThatMetricsRead) {
  const auto said =
      run({corpus(), "--output", output(), "--dimensions", "4", "--epochs", "1", "--quiet"});
  EXPECT_EQ(said.substr(said.find(": ") + 2),
            "9 words with 4 numbers each, from 540 words of 120 turns\n");
  const auto vectors = WordVectors::read(output(), {"shop", "?", "six", "SHOP", "six,"});
  EXPECT_EQ(vectors.words(), 3U) << "small letters, punctuation by itself";
  const auto first = base::read_file(output());
  run({corpus(), "--output", output(), "--dimensions", "4", "--epochs", "1", "--quiet", "--force"});
  EXPECT_EQ(base::read_file(output()), first);
}

TEST_F(VectorsCommandTest, WhatIsWrongIsToldBeforeAnythingIsRead) {
  const auto error_of = [&](const std::vector<std::string>& arguments, int code) {
    try {
      run_vectors(arguments);
    } catch (const base::Error& error) {
      EXPECT_EQ(error.exit_code(), code);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto path = corpus();
  const auto there = file("there.vec", "x").string();
  EXPECT_EQ(error_of({path, "--output", there}, 1),
            there + ": is there already; give another --output, or --force to replace it");
  EXPECT_NE(error_of({path, "--output", path, "--force"}, 2).find("is read as"), std::string::npos);
  EXPECT_NE(error_of({path, "--output", output(), "--split", "train"}, 2).find("is of stores"),
            std::string::npos);
  EXPECT_NE(error_of({path, "--output", output(), "--dimensions", "0"}, 2).find("--dimensions"),
            std::string::npos);
  EXPECT_NE(error_of({path, "--output", (folder_ / "no/v.vec").string()}, 1).find("no"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(output()));
}

}  // namespace
}  // namespace banter::train
