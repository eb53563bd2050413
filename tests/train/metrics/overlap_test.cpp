#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/train/metrics/texts.h"
#include "train/metrics/texts/chrf.h"
#include "train/metrics/texts/f1.h"
#include "train/metrics/texts/rouge_l.h"
#include "train/metrics/texts/windows.h"

namespace banter::train {
namespace {

double chrf_of(const std::string& reply, const std::vector<std::string>& references) {
  const Sample sample{.reply = reply, .references = references, .context = {}};
  const ReadSample read(sample);
  return chrf(chrf_sums(read.reply, read.references));
}

TEST(WindowsTest, CountsEveryOrderFromOneSort) {
  const std::vector<std::uint32_t> words = {7, 7, 7, 9, 7, 7};
  const WordWindows windows{std::span(words)};
  EXPECT_EQ(windows.all(1), 6U);
  EXPECT_EQ(windows.all(4), 3U);
  EXPECT_EQ(windows.all(2), 5U);
  const auto pair = [](Window a, Window b) { return a << 32U | b; };
  EXPECT_EQ(windows.count(pair(7, 7), 2), 3U);
  EXPECT_EQ(windows.count(pair(9, 7), 2), 1U);
  EXPECT_EQ(windows.count(pair(9, 9), 2), 0U);
  std::size_t different = 0, all = 0;
  windows.for_each(2, [&](Window, std::size_t count) {
    ++different;
    all += count;
  });
  EXPECT_EQ(different, 3U);
  EXPECT_EQ(all, windows.all(2)) << "what hangs over the end is none";
  EXPECT_EQ(WordWindows{std::span(words).first(1)}.all(2), 0U);
}

TEST(ChrfTest, ByHand) {
  // "ab" for "abc": order 1 has P 2/2, R 2/3; order 2 has P 1/1, R 1/2; order 3 only the reference.
  const double p = 1, r = (2.0 / 3 + 1.0 / 2) / 2;
  EXPECT_NEAR(chrf_of("ab", {"abc"}), 100 * 5 * p * r / (4 * p + r), 1e-10);
}

TEST(ChrfTest, WhiteSpaceDoesNotCountAndCaseDoes) {
  EXPECT_NEAR(chrf_of("a b\u3000c d e f", {"abcdef"}), 100, 1e-10);
  EXPECT_EQ(chrf_of("ABC", {"abc"}), 0);
}

TEST(ChrfTest, CharactersAreCodePointsAndNotBytes) {
  // One of two characters: with bytes the common lead byte would count, too.
  EXPECT_NEAR(chrf_of("éà", {"éü"}), chrf_of("xy", {"xz"}), 1e-12);
}

TEST(ChrfTest, TheBestReferenceCountsAndNothingScoresZero) {
  EXPECT_NEAR(chrf_of("abc", {"xyz", "abc", "abd"}), 100, 1e-10);
  EXPECT_EQ(chrf_of("", {"abc"}), 0);
}

TEST(F1Test, GoldenExample) {
  const auto samples = tests::golden_samples();
  EXPECT_NEAR(f1(samples[0].reply, samples[0].references[0]), 1, 1e-12);
  EXPECT_NEAR(f1(samples[1].reply, samples[1].references[0]), 0.75, 1e-12);
  EXPECT_EQ(f1(samples[2].reply, samples[2].references[0]), 0);
  EXPECT_NEAR(tests::value_of("f1", samples), 0.583333, 1e-6);
}

TEST(F1Test, WordsAreSmallWithoutPunctuationAndArticles) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(f1_words("The Cat's an_hour, a THEORY; thean"),
            (Words{"cat", "s", "hour", "theory", "thean"}));
  EXPECT_EQ(f1_words("a’s — été"), (Words{"’s", "—", "été"})) << "\u2019 ends a word";
  EXPECT_EQ(f1_words("aé éa ÉTÉ"), (Words{"aé", "éa", "été"}));
  EXPECT_EQ(f1_words("the a an"), Words{});
}

TEST(F1Test, WordsCountAsOftenAsBothHaveThem) {
  EXPECT_NEAR(f1("so so so", "so so good"), 2 * 2.0 / 6, 1e-12);
  EXPECT_EQ(f1("", ""), 0);
  EXPECT_EQ(f1("the", "a"), 0);
}

TEST(F1Test, TheBestReferenceCounts) {
  EXPECT_NEAR(
      tests::value_of(
          "f1",
          {{.reply = "red car", .references = {"blue bus", "red car", "red bus"}, .context = {}}}),
      1, 1e-12);
}

TEST(RougeLTest, ByHand) {
  // "the cat on mat" within "the cat sat on the mat": 4 of 4, 4 of 6.
  EXPECT_NEAR(rouge_l("The cat on mat!", "the cat sat on the mat"), 2 * 4.0 / 10, 1e-12);
  EXPECT_NEAR(rouge_l("b a", "a b"), 0.5, 1e-12) << "the order matters";
  EXPECT_EQ(rouge_l("", "a"), 0);
  EXPECT_EQ(rouge_l("?!", "..."), 0);
}

TEST(F1Test, OfCharactersLeavesOutAllPunctuation) {
  using enum Tokenize;
  using Words = std::vector<std::string>;
  EXPECT_EQ(f1_words("我 爱猫。《A the》！", kCharacters), (Words{"我", "爱", "猫"}));
  EXPECT_NEAR(f1("我爱猫。", "他爱狗。", kCharacters), 1.0 / 3, 1e-12) << "one of three each";
  EXPECT_EQ(f1("我爱猫。", "他爱狗。"), 0) << "a sentence is one word of 13a's";
  EXPECT_EQ(f1("。", "。", kCharacters), 0);
}

TEST(BleuTest, OfCharactersCountsThem) {
  const auto samples = tests::samples_of({"我喜欢吃苹果"}, {"我喜欢吃香蕉"});
  const auto char_bleu = tests::value_of("bleu", samples, {.tokenize = Tokenize::kCharacters});
  EXPECT_NEAR(char_bleu, 100 * std::pow(4.0 / 6 * 3 / 5 * 2 / 4 * 1 / 3, 0.25), 1e-9);
  EXPECT_EQ(tests::value_of("bleu", samples), 0);
}

TEST(RougeLTest, OfCharactersIsInTheirOrder) {
  EXPECT_NEAR(rouge_l("我 喜欢猫", "猫我喜欢", Tokenize::kCharacters), 0.75, 1e-12);
}

TEST(RougeLTest, OtherAlphabetsAreReadIn13aWords) {
  EXPECT_NEAR(rouge_l("Кошка сидит", "кошка спит"), 0.5, 1e-12);
  EXPECT_NEAR(rouge_l("café", "caf"), 1, 1e-12) << "Latin letters beyond a-z part words";
}

TEST(RougeLTest, TheCommonLengthIsThatOfTheUsualTable) {
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    std::vector<std::uint32_t> a(base::mix64(trial) % 150), b(base::mix64(trial + 1000) % 150);
    const auto letters = 2 + trial % 9;
    for (std::size_t i = 0; i < a.size(); ++i)
      a[i] = static_cast<std::uint32_t>(base::mix64(base::join_keys(trial, i)) % letters);
    for (std::size_t i = 0; i < b.size(); ++i)
      b[i] = static_cast<std::uint32_t>(base::mix64(base::join_keys(trial + 5000, i)) % letters);
    std::vector<std::size_t> row(b.size() + 1);
    for (const auto symbol : a) {
      std::size_t diagonal = 0;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const auto above = row[j];
        row[j] = symbol == b[j - 1] ? diagonal + 1 : std::max(row[j], row[j - 1]);
        diagonal = above;
      }
    }
    EXPECT_EQ(common_length(a, b), row.back()) << trial;
  }
}

}  // namespace
}  // namespace banter::train
