// Classifiers of sentence pairs as judges of replies: judgements, scores, choosing, batches.

#include "models/consistency/consistency_judge.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/files.h"
#include "models/consistency/consistency_reranker.h"
#include "models/pair_classifiers.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

using data::Label;
using tests::TemporaryFolder;
using Ids = std::vector<data::TokenId>;
using Facts = std::vector<std::string>;

constexpr double kClose = 1e-9;  // double precision, the same sums in another order

data::Tokenizer tokenizer_of(const std::string& text) {
  data::TokenizerOptions options;
  options.vocab_size = 310;
  int left = 100;
  return data::Tokenizer(data::Tokenizer::train(options, [&]() -> std::optional<std::string> {
    return left-- > 0 ? std::optional(text) : std::nullopt;
  }));
}

const data::Tokenizer& small_tokenizer() {
  static const auto tokenizer = tokenizer_of("i have a dog no cat tea");
  return tokenizer;
}

/// Hands pairs to another classifier and notes the sizes of its batches.
class Recorder : public PairClassifier {
 public:
  struct Size {
    std::int64_t pairs, premise, hypothesis;
    [[nodiscard]] std::int64_t tokens() const { return pairs * (premise + hypothesis); }
  };

  explicit Recorder(PairClassifierPtr inner)
      : PairClassifier(inner->vocabulary()), inner_(register_module("inner", std::move(inner))) {}

  torch::Tensor logits(const data::PairBatch& pairs) override {
    sizes.push_back({pairs.size(), pairs.texts.turn_ids.size(1), pairs.texts.labels.size(1)});
    return inner_->logits(pairs);
  }
  [[nodiscard]] std::int64_t pairs() const {
    std::int64_t count = 0;
    for (const auto& size : sizes) count += size.pairs;
    return count;
  }

  std::vector<Size> sizes;

 private:
  PairClassifierPtr inner_;
};

/// Knows what is so by a rule: a sentence entails itself and contradicts its own words in another
/// order; to others it is neutral.
class RuleOfOrder : public PairClassifier {
 public:
  RuleOfOrder()
      : PairClassifier({small_tokenizer().vocab_size(), small_tokenizer().special()}),
        scale_(register_parameter("scale", torch::full({1}, 10.0, torch::kDouble))) {}

  torch::Tensor logits(const data::PairBatch& pairs) override {
    auto said = torch::zeros({pairs.size(), kLabels}, torch::kDouble);
    const auto facts = pairs.texts.turn_ids.index_select(0, pairs.texts.facts.select(1, 0));
    for (std::int64_t n = 0; n < pairs.size(); ++n) {
      auto premise = words_of(facts[n]), hypothesis = words_of(pairs.texts.labels[n]);
      const bool is_same = premise == hypothesis;
      std::ranges::sort(premise);
      std::ranges::sort(hypothesis);
      const auto label = is_same                 ? Label::kEntailment
                         : premise == hypothesis ? Label::kContradiction
                                                 : Label::kNeutral;
      said[n][static_cast<std::int64_t>(label)] = 1;
    }
    return said * scale_;
  }

 private:
  [[nodiscard]] static Ids words_of(const torch::Tensor& row) {
    Ids words;
    for (std::int64_t i = 0; i < row.size(0); ++i)
      if (const auto id = row[i].item<std::int64_t>(); id >= data::SpecialIds{}.count())
        words.push_back(id);
    return words;
  }

  torch::Tensor scale_;
};

PairClassifierPtr random_nli() {
  const auto config = configs::Config::parse(
      "{type: nli, dim: 12, heads: 3, ffn_dim: 10, encoder_layers: 2, dropout: 0}", "test");
  auto classifier = build_pair_classifier(
      config.root(), {small_tokenizer().vocab_size(), small_tokenizer().special()}, /*seed=*/1);
  classifier->to(torch::kDouble);
  classifier->eval();
  const torch::NoGradGuard no_grad;
  for (auto& parameter : classifier->parameters()) parameter.mul_(3.0);
  return classifier;
}

/// A judge as it is loaded from a run, with a record of what its classifier is asked.
class ConsistencyJudgeTest : public testing::Test {
 protected:
  explicit ConsistencyJudgeTest(PairClassifierPtr classifier = random_nli())
      : recorder_(std::make_shared<Recorder>(std::move(classifier))) {
    base::write_durably(folder_ / "config.yaml", "{}\n");
    base::write_durably(folder_ / "state.json",
                        R"({"best": {"accuracy": {"step": 7, "value": "0.75"}}})");
  }

  [[nodiscard]] ConsistencyJudge judge(const data::BatchOptions& batch = {},
                                       const data::Tokenizer& tokenizer = small_tokenizer()) const {
    return ConsistencyJudge({.model = recorder_,
                             .tokenizer = tokenizer,
                             .batch = batch,
                             .checkpoint = {.folder = folder_.path(),
                                            .step = 7,
                                            .hash = std::string(64, 'a'),
                                            .warning = {}},
                             .type = "nli"});
  }

  static void expect_close(const Judgement& one, const Judgement& other) {
    for (std::size_t i = 0; i < one.probs.size(); ++i)
      EXPECT_NEAR(one.probs.at(i), other.probs.at(i), kClose);
  }

  TemporaryFolder folder_;
  std::shared_ptr<Recorder> recorder_;
};

TEST(JudgementTest, TheLabelIsTheMostProbableAndOfEqualsTheFirst) {
  EXPECT_EQ((Judgement{.probs = {0.2, 0.3, 0.5}}).label(), Label::kContradiction);
  EXPECT_EQ((Judgement{.probs = {0.2, 0.3, 0.5}}).prob(), 0.5);
  EXPECT_EQ((Judgement{.probs = {0.2, 0.4, 0.4}}).label(), Label::kNeutral);
  EXPECT_EQ((Judgement{.probs = {0.4, 0.2, 0.4}}).label(), Label::kEntailment);
}

TEST(JudgementTest, TheScoreCountsLabelsWhateverTheirProbability) {
  const Judgement entailed{.probs = {0.4, 0.3, 0.3}}, neutral{.probs = {0.1, 0.8, 0.1}},
      contradicted{.probs = {0, 0, 1}};
  EXPECT_EQ(consistency_score(std::vector<Judgement>{}), 0);
  EXPECT_EQ(consistency_score(std::vector{neutral, neutral}), 0);
  EXPECT_EQ(consistency_score(std::vector{entailed, neutral, entailed}), 2);
  EXPECT_EQ(consistency_score(std::vector{entailed, contradicted, contradicted}), -1);
}

TEST_F(ConsistencyJudgeTest, CompanyChangesNothingAndTheOrderIsThatOfTheQuestion) {
  const Facts long_facts = {"i have a dog no cat no tea i have a cat", "tea"};
  const Facts facts = {"no", "i have a dog", "", "a cat have no tea"};
  const std::string longest(400, 'x');
  const std::vector<ReplyOfPersona> replies = {{"no tea", facts},
                                               {longest, long_facts},
                                               {"i have a cat", {}},
                                               {"i have a dog no tea", facts}};
  const auto together = judge().judge(replies);
  ASSERT_EQ(together.size(), replies.size());
  for (std::size_t r = 0; r < replies.size(); ++r) {
    ASSERT_EQ(together[r].size(), replies[r].persona.size());
    for (std::size_t f = 0; f < together[r].size(); ++f) {
      const Facts alone = {replies[r].persona[f]};
      expect_close(together[r][f], judge().judge(replies[r].reply, alone).front());
    }
  }
  EXPECT_GT(std::abs(together[0][0].probs[0] - together[0][1].probs[0]), 1e-3)
      << "the classifier says the same of all";
}

/// A judge whose answers are known.
class RuledJudgeTest : public ConsistencyJudgeTest {
 protected:
  RuledJudgeTest() : ConsistencyJudgeTest(std::make_shared<RuleOfOrder>()) {}
};

TEST_F(RuledJudgeTest, ABatchHoldsFewLongPairsOrManyShortOnes) {
  data::BatchOptions batch;
  batch.max_turn_tokens = batch.max_reply_tokens = 500;
  Facts facts;
  for (int i = 0; i < 40; ++i) facts.push_back(std::string(400, 'x') + std::to_string(i));
  for (int i = 0; i < 400; ++i) facts.push_back("tea " + std::to_string(i));
  auto asked = judge(batch);
  asked.judge("no tea", facts);
  EXPECT_EQ(recorder_->pairs(), 440);
  std::int64_t most = 0;
  for (const auto& size : recorder_->sizes) {
    EXPECT_LE(size.tokens(), 8192);
    most = std::max(most, size.pairs);
  }
  EXPECT_GT(most, 256);
  EXPECT_LE(recorder_->sizes.size(), 5U) << "batches are not filled";
}

TEST_F(RuledJudgeTest, APairThatFitsInNoBatchIsAloneInIts) {
  data::BatchOptions batch;
  batch.max_turn_tokens = batch.max_reply_tokens = 20'000;
  const auto judged = judge(batch).judge("tea", Facts{std::string(9000, 'x'), "tea"});
  EXPECT_EQ(judged.size(), 2U);
  EXPECT_EQ(recorder_->sizes.size(), 2U);
}

TEST_F(ConsistencyJudgeTest, WhatIsLongerThanThePairsOfTrainingIsCut) {
  data::BatchOptions batch;
  batch.max_turn_tokens = 3;
  batch.max_reply_tokens = 2;
  auto asked = judge(batch);
  asked.judge("i have a dog no cat", Facts{"i have a dog"});
  ASSERT_EQ(recorder_->sizes.size(), 1U);
  EXPECT_EQ(recorder_->sizes[0].premise, 3 + 2) << "with the marks around it";
  EXPECT_EQ(recorder_->sizes[0].hypothesis, 2);
  EXPECT_FALSE(asked.reads_all_of("i have a dog"));
  EXPECT_TRUE(asked.reads_all_of("a"));
}

TEST_F(ConsistencyJudgeTest, ABlankReplySaysNothing) {
  const Facts facts = {"i have a dog", "tea"};
  for (const auto* reply : {"", " \t"})
    for (const auto& judgement : judge().judge(reply, facts))
      EXPECT_EQ(judgement.probs, (std::array<double, 3>{0, 1, 0}));
  EXPECT_TRUE(judge().judge("tea", {}).empty());
  EXPECT_EQ(recorder_->pairs(), 0);
}

TEST_F(ConsistencyJudgeTest, NothingIsAskedTwice) {
  auto asked = judge();
  const Facts facts = {"i have a dog", "tea", "tea"};
  const std::vector<ReplyOfPersona> replies = {{"no", facts}, {"a cat", facts}, {"no", facts}};
  const auto first = asked.judge(replies);
  EXPECT_EQ(recorder_->pairs(), 4) << "two replies to two sentences";
  const auto again = asked.judge("a cat", facts);
  EXPECT_EQ(recorder_->pairs(), 4);
  for (std::size_t f = 0; f < facts.size(); ++f) EXPECT_EQ(again[f].probs, first[1][f].probs);
  asked.judge("a cat", Facts{"no dog"});
  EXPECT_EQ(recorder_->pairs(), 5);
}

TEST_F(ConsistencyJudgeTest, LettersAreMadeSmallWhereTheVocabularyOrTheConfigSaysSo) {
  const auto reads_alike = [](ConsistencyJudge asked) {
    const auto judged = asked.judge("I Have a DOG", Facts{"No cat"});
    return judged.front().probs == asked.judge("i have a dog", Facts{"no cat"}).front().probs;
  };
  const auto with_capitals = tokenizer_of("I have no Dog");
  EXPECT_TRUE(reads_alike(judge())) << "no piece has a capital";
  EXPECT_FALSE(reads_alike(judge({}, with_capitals)));
  base::write_durably(folder_ / "config.yaml", "data: {cleaning: {lower_case: true}}\n");
  EXPECT_TRUE(reads_alike(judge({}, with_capitals)));
}

TEST_F(ConsistencyJudgeTest, IsNamedByItsCheckpointAndItsAccuracyAtThatStep) {
  EXPECT_EQ(judge().signature(), "nli:aaaaaaaaaaaa|nli_accuracy:0.7500");
  base::write_durably(folder_ / "state.json",
                      R"({"best": {"accuracy": {"step": 6, "value": "0.75"}}})");
  EXPECT_EQ(judge().signature(), "nli:aaaaaaaaaaaa|nli_accuracy:unknown");
}

/// Choosing among replies.
class ConsistencyRerankerTest : public RuledJudgeTest {
 protected:
  static Reply reply(const std::string& text, float log_prob) {
    Reply made{.ids = small_tokenizer().encode(text),
               .log_probs = {},
               .score = 0,
               .finish = "eos",
               .attention = {}};
    made.log_probs.assign(made.ids.size() + 1, log_prob);
    return made;
  }
  static data::Context context_of(const Facts& facts) {
    data::Context context;
    for (const auto& fact : facts)
      context.facts.push_back({.ids = small_tokenizer().encode(fact), .speaker = 2});
    return context;
  }
};

TEST_F(ConsistencyRerankerTest, ScoresAreCountsOfLabelsWithinTheMargin) {
  auto asked = judge();
  const auto score = consistency_reranker(asked, small_tokenizer(), /*margin=*/0.5);
  const auto context = context_of({"i have a dog", "no cat", "dog a have i"});
  const std::vector<Reply> replies = {reply("i have tea", -1), reply("cat no", -1.5),
                                      reply("i have a dog", -1.25), reply("no cat", -1.4F),
                                      reply("no cat", -1.6F)};
  EXPECT_EQ(score(context, replies), (std::vector<double>{0, -1, 0, 1, -4}))
      << "at the margin counts, beyond it less than any";
}

TEST_F(ConsistencyRerankerTest, OfEqualsTheFirstOnesStay) {
  auto asked = judge();
  const auto reranker = consistency_reranker(asked, small_tokenizer(), /*margin=*/10);
  std::vector<Reply> replies = {reply("i have tea", -1), reply("no tea", -2), reply("no cat", -3),
                                reply("tea", -4)};
  rerank(reranker, context_of({"i have a dog", "no cat"}), replies);
  std::vector<std::string> order;
  for (const auto& one : replies) order.push_back(text_of(one, small_tokenizer()));
  EXPECT_EQ(order, (Facts{"no cat", "i have tea", "no tea", "tea"}));
}

TEST_F(ConsistencyRerankerTest, WithoutFactsOrWordsNothingCountsButTheMargin) {
  auto asked = judge();
  const auto score = consistency_reranker(asked, small_tokenizer(), /*margin=*/1);
  const std::vector<Reply> replies = {reply("", -1), reply("no cat", -1.5), reply("tea", -9)};
  EXPECT_EQ(score(context_of({}), replies), (std::vector<double>{0, 0, -1}));
  EXPECT_EQ(recorder_->pairs(), 0);
  EXPECT_EQ(score(context_of({"no cat"}), replies), (std::vector<double>{0, 1, -2}));
}

TEST_F(ConsistencyRerankerTest, WhatItChoseIsNotJudgedAgain) {
  auto asked = judge();
  const Facts facts = {"i have a dog", "no cat"};
  std::vector<Reply> replies = {reply("i have tea", -1), reply("no cat", -2)};
  rerank(consistency_reranker(asked, small_tokenizer(), /*margin=*/10), context_of(facts), replies);
  const auto before = recorder_->pairs();
  EXPECT_EQ(before, 4);
  const auto judged = asked.judge(text_of(replies.front(), small_tokenizer()), facts);
  EXPECT_EQ(consistency_score(judged), *replies.front().rerank_score);
  EXPECT_EQ(recorder_->pairs(), before);
}

}  // namespace
}  // namespace banter::models
