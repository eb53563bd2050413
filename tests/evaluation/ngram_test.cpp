#include "train/evaluation/ngram.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/batch/made_store.h"

namespace banter::train {
namespace {

using Ids = std::vector<data::TokenId>;

constexpr std::int64_t kVocab = 24;
const data::SpecialIds kSpecial;
constexpr data::TokenId kA = 20, kB = 21, kC = 22, kUnseen = 23;

std::vector<Ids> replies() {
  return {{kA, kB, kSpecial.eos},
          {kA, kB, kB, kSpecial.eos},
          {kA, kC, kSpecial.eos},
          {kB, kSpecial.eos}};
}

/// Every id that can be a label: the ordinary ones and eos.
Ids labels() {
  Ids all = {kSpecial.eos};
  for (auto id = kSpecial.count(); id < kVocab; ++id) all.push_back(id);
  return all;
}

TEST(NgramBaselineTest, ProbabilitiesSumToOneBehindEveryHistory) {
  const NgramBaseline ngrams(replies(), kSpecial, kVocab);
  double unigram = 0;
  for (const auto label : labels()) unigram += std::exp(ngrams.unigram(label));
  EXPECT_NEAR(unigram, 1.0, 1e-12);
  for (const auto history : {kSpecial.bos, kA, kB, kC, kUnseen}) {
    double sum = 0;
    for (const auto label : labels()) sum += std::exp(ngrams.bigram(history, label));
    EXPECT_NEAR(sum, 1.0, 1e-12) << history;
  }
}

TEST(NgramBaselineTest, UnseenLabelsHaveAProbability) {
  const NgramBaseline ngrams(replies(), kSpecial, kVocab);
  EXPECT_GT(std::exp(ngrams.unigram(kUnseen)), 0.0);
  EXPECT_GT(std::exp(ngrams.bigram(kA, kUnseen)), 0.0);
  EXPECT_LT(ngrams.bigram(kA, kUnseen), ngrams.bigram(kA, kB));
}

TEST(NgramBaselineTest, EqualsTheFormulaComputedByHand) {
  // Bigrams: bos-A 3, bos-B 1, A-B 2, A-C 1, B-eos 3, B-B 1, C-eos 1: n1 = 4, n2 = 1, D = 2/3.
  // Unigrams: A 3, B 4, C 1, eos 4 of 12: n1 = 1, n2 = 0, D = 1.
  // Continuations: A 1 (bos), B 3 (bos, A, B), C 1 (A), eos 2 (B, C) of 7: n1 = 2, n2 = 1, D = 1/2.
  const NgramBaseline ngrams(replies(), kSpecial, kVocab);
  const auto uniform = 1.0 / static_cast<double>(labels().size());
  EXPECT_NEAR(std::exp(ngrams.unigram(kB)), (4 - 1 + 1 * 4 * uniform) / 12, 1e-12);
  const double q_b = (3 - 0.5 + 0.5 * 4 * uniform) / 7;
  EXPECT_NEAR(std::exp(ngrams.bigram(kA, kB)), (2 - 2.0 / 3 + 2.0 / 3 * 2 * q_b) / 3, 1e-12);
  const double q_a = (1 - 0.5 + 0.5 * 4 * uniform) / 7;
  EXPECT_NEAR(std::exp(ngrams.bigram(kC, kA)), (2.0 / 3 * 1 * q_a) / 1, 1e-12);
  EXPECT_NEAR(std::exp(ngrams.bigram(kUnseen, kB)), q_b, 1e-12) << "an unseen history says nothing";
}

TEST(NgramBaselineTest, TheBestLabelIsTheMostProbableOne) {
  const NgramBaseline ngrams(replies(), kSpecial, kVocab);
  for (const auto history : {kSpecial.bos, kA, kB, kC, kUnseen})
    for (const auto label : labels())
      EXPECT_LE(ngrams.bigram(history, label), ngrams.bigram(history, ngrams.bigram_best(history)));
  for (const auto label : labels())
    EXPECT_LE(ngrams.unigram(label), ngrams.unigram(ngrams.unigram_best()));
}

TEST(NgramBaselineTest, ASplitGivesItsWholeRepliesUpToALimit) {
  const tests::MadeStore made;
  const auto& split = made.split();
  const data::ReplyRule rule("all");
  std::uint64_t labels_of_all = 0;
  for (std::uint64_t d = 0; d < split.dialogues(); ++d)
    for (std::uint32_t t = 1; t < split.dialogue(d).turns; ++t)
      labels_of_all += split.turn_length(split.dialogue(d).first_turn + t) + 1;
  const auto vocab = made.store().tokenizer().vocab_size();
  EXPECT_EQ(NgramBaseline(split, rule, made.special(), vocab).labels(), labels_of_all);
  const NgramBaseline some(split, rule, made.special(), vocab, labels_of_all / 2);
  EXPECT_GE(some.labels(), labels_of_all / 2);
  EXPECT_LT(some.labels(), labels_of_all);
}

}  // namespace
}  // namespace banter::train
