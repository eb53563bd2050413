#include "train/metrics/texts/bleu.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/train/metrics/texts.h"

namespace banter::train {
namespace {

BleuSums sums_of(const Sample& sample) {
  const ReadSample read(sample);
  return bleu_sums(read.reply, read.references);
}

TEST(BleuTest, GoldenExample) {
  const auto samples = tests::golden_samples();
  EXPECT_NEAR(tests::value_of("bleu", samples), 31.704768, 1e-6);
  BleuSums all;
  std::vector<double> sums(BleuSums::kWidth);
  for (const auto& sample : samples) sums_of(sample).add_to(sums);
  all = BleuSums::from(sums);
  EXPECT_EQ(all.matches, (std::array<double, 4>{11, 7, 3, 1}));
  EXPECT_EQ(all.ngrams, (std::array<double, 4>{14, 11, 9, 7}));
  EXPECT_EQ(all.reply_words, 14);
  EXPECT_EQ(all.reference_words, 17);
}

TEST(BleuTest, GoldenExampleBySentence) {
  const auto samples = tests::golden_samples();
  const std::vector<double> wanted = {37.991784, 48.892302, 0};
  for (std::size_t i = 0; i < samples.size(); ++i)
    EXPECT_NEAR(bleu(sums_of(samples[i]), Smoothing::kExp, true), wanted[i], 1e-6);
  EXPECT_NEAR(tests::value_of("sentence_bleu", samples), (37.991784 + 48.892302) / 3, 1e-6);
}

TEST(BleuTest, SmoothingsByHand) {
  // "a b c d" for "a x b y": 2 of 4 words, no pair of 3, no three of 2, no four of 1.
  const auto sums = sums_of({.reply = "a b c d", .references = {"a x b y"}, .context = {}});
  EXPECT_EQ(bleu(sums, Smoothing::kNone, false), 0);
  EXPECT_NEAR(bleu(sums, Smoothing::kExp, false),
              100 * std::pow(2.0 / 4 * (0.5 / 3) * (0.25 / 2) * (0.125 / 1), 0.25), 1e-10);
  EXPECT_NEAR(bleu(sums, Smoothing::kFloor, false),
              100 * std::pow(2.0 / 4 * (0.1 / 3) * (0.1 / 2) * (0.1 / 1), 0.25), 1e-10);
  EXPECT_NEAR(bleu(sums, Smoothing::kAddK, false),
              100 * std::pow(2.0 / 4 * (1.0 / 4) * (1.0 / 3) * (1.0 / 2), 0.25), 1e-10);
}

TEST(BleuTest, ShortRepliesNeedTheEffectiveOrder) {
  const auto sums = sums_of({.reply = "a b", .references = {"a b"}, .context = {}});
  EXPECT_EQ(bleu(sums, Smoothing::kExp, false), 0);
  EXPECT_NEAR(bleu(sums, Smoothing::kExp, true), 100, 1e-10);
}

TEST(BleuTest, ShorterRepliesAreMadeSmallerAndLongerOnesAreNot) {
  const auto shorter = sums_of({.reply = "a b c d", .references = {"a b c d e"}, .context = {}});
  EXPECT_NEAR(bleu(shorter, Smoothing::kExp, false), 100 * std::exp(1 - 5.0 / 4), 1e-10);
  const auto longer = sums_of({.reply = "a b c d e", .references = {"a b c d"}, .context = {}});
  EXPECT_NEAR(bleu(longer, Smoothing::kExp, false),
              100 * std::pow(4.0 / 5 * 3 / 4 * 2 / 3 * 1 / 2, 0.25), 1e-10);
}

TEST(BleuTest, OfSeveralReferencesTheNearestLengthCountsAndOfTwoTheShorter) {
  const auto length = [](std::vector<std::string> references) {
    return sums_of({.reply = "a b c", .references = std::move(references), .context = {}})
        .reference_words;
  };
  EXPECT_EQ(length({"a b c d e f", "a"}), 1) << "two off is nearer than three";
  EXPECT_EQ(length({"a b c d", "a b"}), 2);
  EXPECT_EQ(length({"a b", "a b c d"}), 2);
}

TEST(BleuTest, AnNGramCountsAsOftenAsInOneReferenceAndEachReferenceHelps) {
  const auto sums = sums_of(
      {.reply = "the the the cat", .references = {"the the dog", "the cat"}, .context = {}});
  EXPECT_EQ(sums.matches[0], 3);
  EXPECT_EQ(sums.matches[1], 2) << "\"the the\" of one, \"the cat\" of the other";
}

TEST(BleuTest, CaseMatters) {
  EXPECT_EQ(sums_of({.reply = "Yes", .references = {"yes"}, .context = {}}).matches[0], 0);
}

TEST(BleuTest, AnEmptyReplyHasNothingAndScoresZero) {
  const auto sums = sums_of({.reply = "", .references = {"a b"}, .context = {}});
  EXPECT_EQ(sums.ngrams[0], 0);
  for (const auto smoothing :
       {Smoothing::kNone, Smoothing::kFloor, Smoothing::kAddK, Smoothing::kExp})
    EXPECT_EQ(bleu(sums, smoothing, true), 0);
}

}  // namespace
}  // namespace banter::train
