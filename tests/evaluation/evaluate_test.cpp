#include "train/evaluation/evaluate.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/signals.h"
#include "data/store/store_writer.h"
#include "models/registry.h"
#include "tests/batch/made_store.h"
#include "tests/support/temporary_folder.h"
#include "train/evaluation/perturbation.h"
#include "train/evaluation/ranking.h"
#include "train/metrics/texts/f1.h"

namespace banter::train {
namespace {

using tests::MadeStore;

const std::string kModel = "type: hred\nembed_dim: 8\nhidden_dim: 8\ndropout: 0.5\n";

models::ModelPtr small_model(const data::Tokenizer& tokenizer, const std::string& yaml = kModel) {
  const auto config = configs::Config::parse(yaml, "test");
  return models::build_model(config.root(), {tokenizer.vocab_size(), tokenizer.special()}, 1);
}

class EvaluateTest : public testing::Test {
 protected:
  MadeStore made_{{.dialogues = 40}};
  const data::Split& split_ = made_.split();
  models::ModelPtr model_ = small_model(made_.store().tokenizer());
  data::BatchOptions options_{.tokens_per_batch = 150, .max_reply_tokens = 5};
  NgramBaseline baseline_{split_, data::ReplyRule("all"), made_.special(),
                          made_.store().tokenizer().vocab_size()};
};

TEST_F(EvaluateTest, GivesTheSumsOfEveryDialogueHoweverItIsBatched) {
  const auto sums = evaluate(*model_, split_, options_, &baseline_);
  options_.tokens_per_batch = 1;  // one reply a batch
  const auto alone = evaluate(*model_, split_, options_, &baseline_);
  ASSERT_EQ(sums.model.size(), alone.model.size());
  for (std::size_t i = 0; i < sums.model.size(); ++i) {
    EXPECT_NEAR(sums.model[i].nll, alone.model[i].nll, 1e-3);
    EXPECT_NEAR(sums.bigram[i].nll, alone.bigram[i].nll, 1e-9);
  }
}

TEST_F(EvaluateTest, CountsWholeRepliesWithTheirWordsAndBytes) {
  const auto sums = evaluate(*model_, split_, options_, &baseline_);
  Likelihood expected;
  std::size_t dialogues = 0;
  for (std::uint64_t d = 0; d < split_.dialogues(); ++d) {
    const auto view = split_.dialogue(d);
    dialogues += view.turns > 1 ? 1 : 0;
    for (auto turn = view.first_turn + 1; turn < view.first_turn + view.turns; ++turn) {
      expected.labels += split_.turn_length(turn) + 1;
      expected.words += split_.turn_words(turn);
      expected.bytes += split_.turn_bytes(turn);
      ++expected.replies;
    }
  }
  EXPECT_EQ(sums.model.size(), dialogues);
  for (const auto* groups : {&sums.model, &sums.bigram, &sums.unigram}) {
    const auto sum = total(*groups);
    EXPECT_EQ(sum.labels, expected.labels);
    EXPECT_EQ(sum.words, expected.words);
    EXPECT_EQ(sum.bytes, expected.bytes);
    EXPECT_EQ(sum.replies, expected.replies);
    EXPECT_LE(sum.correct, sum.labels);
  }
}

TEST_F(EvaluateTest, AnUntrainedModelIsNearTheUniformOneAndTheNGramsAreInOrder) {
  const auto sums = evaluate(*model_, split_, options_, &baseline_);
  const auto vocab = static_cast<double>(made_.store().tokenizer().vocab_size());
  EXPECT_NEAR(total(sums.model).ppl() / vocab, 1.0, 0.3);
  EXPECT_LT(total(sums.unigram).ppl(), total(sums.model).ppl());
  EXPECT_LT(total(sums.bigram).ppl(), total(sums.unigram).ppl());
}

TEST_F(EvaluateTest, ALatentVariableIsJudgedByABoundToo) {
  const auto exact = total(evaluate(*model_, split_, options_, nullptr).model);
  EXPECT_EQ(exact.bound, 0);
  EXPECT_TRUE(std::isnan(exact.ppl_bound()));

  const auto& tokenizer = made_.store().tokenizer();
  const auto latent = small_model(tokenizer, "type: vhred\nhidden_dim: 8\nlatent_dim: 4\n");
  const auto sums = evaluate(*latent, split_, options_, nullptr);
  latent->eval();
  const torch::NoGradGuard no_grad;
  data::EvaluationStream stream(split_, options_, tokenizer.special());
  double bound = 0;  // nll + kl of every batch, kl at full weight
  for (data::Batch batch; stream.next(batch);)
    for (const auto& loss : latent->losses(batch)) bound += loss.sum.item<double>();
  const auto sum = total(sums.model);
  EXPECT_NEAR(sum.bound, bound, 1e-3 * bound);
  EXPECT_NEAR(sum.ppl_bound(), std::exp(bound / sum.labels), 1e-2 * sum.ppl_bound());
}

TEST_F(EvaluateTest, OtherReadingsOfAModelAreSummedUnderTheirNames) {
  EXPECT_TRUE(evaluate(*model_, split_, options_, nullptr).further.empty());
  const auto& tokenizer = made_.store().tokenizer();
  const auto stack = small_model(
      tokenizer,
      "type: stack_propagation\npreset: paper\ndim: 8\nheads: 2\nffn_dim: 8\nencoder_layers: 1\n"
      "decoder_layers: 1\nconsistency_layers: 1\nmax_draft_tokens: 3\n");
  const auto sums = evaluate(*stack, split_, options_, nullptr);
  stack->eval();
  const torch::NoGradGuard no_grad;
  data::EvaluationStream stream(split_, options_, tokenizer.special());
  std::map<std::string, double> nll;
  for (data::Batch batch; stream.next(batch);)
    for (const auto& loss : stack->losses(batch)) nll[loss.name] += loss.sum.item<double>();
  ASSERT_EQ(sums.further.size(), 2U);
  EXPECT_NEAR(total(sums.further.at("ppl_d1")).nll, nll.at("nll"), 1e-3 * nll.at("nll"));
  EXPECT_NEAR(total(sums.further.at("d2_reconstruction")).nll, nll.at("nll_consistency"),
              1e-3 * nll.at("nll_consistency"));
  EXPECT_EQ(sums.further.at("ppl_d1").size(), sums.model.size());
}

TEST_F(EvaluateTest, RunsWithoutDropoutAndLeavesTheModelTraining) {
  model_->train();
  const auto first = evaluate(*model_, split_, options_, nullptr);
  EXPECT_TRUE(model_->is_training());
  EXPECT_TRUE(first.bigram.empty());
  const auto again = evaluate(*model_, split_, options_, nullptr);
  EXPECT_EQ(total(first.model).nll, total(again.model).nll);
}

TEST_F(EvaluateTest, ASignalLeavesTheModelTrainingToo) {
  model_->train();
  base::install_stop_signals();
  std::raise(SIGTERM);
  EXPECT_THROW((void)evaluate(*model_, split_, options_, nullptr), base::Stopped);
  base::clear_stop_signal();
  EXPECT_TRUE(model_->is_training());
}

TEST_F(EvaluateTest, SumsByTurnAddUpToTheWhole) {
  const auto sums = evaluate(*model_, split_, options_, nullptr);
  double nll = 0, labels = 0, replies = 0;
  for (const auto& fit : sums.by_turn.fits()) {
    nll += std::log(fit.ppl) * static_cast<double>(fit.labels);
    labels += static_cast<double>(fit.labels);
    replies += static_cast<double>(fit.replies);
  }
  const auto all = total(sums.model);
  EXPECT_NEAR(nll, all.nll, 1e-6 * all.nll);
  EXPECT_EQ(labels, all.labels);
  EXPECT_EQ(replies, all.replies);
}

/// A model on a store whose replies have distractors.
class RankingTest : public EvaluateTest {
 protected:
  MadeStore ranked_{{.seed = 3, .dialogues = 12, .distractors = 4}};
  models::ModelPtr ranker_ = small_model(ranked_.store().tokenizer());
  std::vector<Rank> ranks(RankScore score = RankScore::kMean) {
    return rank_replies(*ranker_, ranked_.store().tokenizer(), ranked_.split(), options_, score);
  }
  /// The score of a reply by itself.
  double alone(data::Context context, std::vector<data::TokenId> reply, RankScore score) {
    context.reply = std::move(reply);
    const torch::NoGradGuard no_grad;
    ranker_->eval();
    const auto batch = data::make_batch({context}, options_, ranked_.special());
    const auto sum = ranker_->score(batch).log_probs.sum().item<double>();
    return score == RankScore::kSum ? sum : sum / static_cast<double>(batch.label_count);
  }
  /// Those of a turn and of the distractors beside it that are not its words.
  std::vector<double> scores_alone(std::uint64_t dialogue, std::uint32_t turn, RankScore score) {
    const auto& split = ranked_.split();
    const auto record = split.record(dialogue).turns.at(turn);
    const auto context = data::context_of(split, {.dialogue = dialogue, .turn = turn}, options_);
    std::vector<double> scores = {alone(context, context.reply, score)};
    for (const auto& text : record.distractors)
      if (f1_words(text) != f1_words(record.text))
        scores.push_back(alone(context, ranked_.store().tokenizer().encode(text), score));
    return scores;
  }
};

TEST_F(RankingTest, EqualsScoringEachCandidateByItself) {
  const auto& split = ranked_.split();
  for (const auto score : {RankScore::kMean, RankScore::kSum}) {
    const auto found = ranks(score);
    std::size_t at = 0, first = 0;
    for (std::uint64_t d = 0; d < split.dialogues(); ++d)
      for (std::uint32_t turn = 1; turn < split.dialogue(d).turns; ++turn) {
        const auto scores = scores_alone(d, turn, score);
        if (scores.size() == 1) continue;
        EXPECT_EQ(found.at(at).rank, rank_of(scores, 0)) << d << " " << turn;
        EXPECT_EQ(found.at(at).candidates, scores.size());
        EXPECT_EQ(found.at(at).group, d);
        first += found.at(at++).rank == 1 ? 1 : 0;
      }
    EXPECT_EQ(at, found.size());
    EXPECT_GT(first, 0U);
    EXPECT_LT(first, at);
  }
}

TEST_F(RankingTest, MeanAndSumAreNotTheSame) {
  const auto by_mean = ranks(RankScore::kMean), by_sum = ranks(RankScore::kSum);
  EXPECT_FALSE(std::ranges::equal(by_mean, by_sum, {}, &Rank::rank, &Rank::rank));
}

TEST_F(RankingTest, DistractorsWithTheWordsOfTheTrueReplyAreLeftOut) {
  const auto& tokenizer = ranked_.store().tokenizer();
  tests::TemporaryFolder folder;
  data::StoreWriter writer(folder.path(), tokenizer);
  data::WordEncoder encoder(tokenizer);
  data::Dialogue dialogue{.id = "d", .group = "", .meta = {}, .personas = {}, .turns = {}};
  dialogue.turns = {{.speaker = "a", .text = "does it boot", .time = {}},
                    {.speaker = "b",
                     .text = "yes , the kernel",
                     .time = {},
                     .distractors = {"Yes! A kernel.", "no kernel", "kernel yes"}},
                    {.speaker = "a", .text = "thanks", .time = {}, .distractors = {"Thanks."}}};
  writer.add("valid", data::encode(dialogue, encoder));
  writer.finish({});
  const auto store = data::Store::open(folder.path());
  const auto found =
      rank_replies(*ranker_, tokenizer, store.split("valid"), options_, RankScore::kMean);
  ASSERT_EQ(found.size(), 1U) << "the last reply has no candidate but itself";
  EXPECT_EQ(found[0].candidates, 3U);
}

TEST_F(RankingTest, ASplitWithoutCandidatesSaysWhatToDo) {
  try {
    (void)rank_replies(*model_, made_.store().tokenizer(), split_, options_, RankScore::kMean);
    FAIL() << "expected an error";
  } catch (const base::DataError& error) {
    const std::string what = error.what();
    EXPECT_TRUE(what.starts_with("split \"train\": no reply has other candidates")) << what;
    EXPECT_NE(what.find("--metrics"), std::string::npos);
  }
}

/// The likelihoods of all replies behind contexts altered by a transform.
class PerturbationTest : public EvaluateTest {
 protected:
  std::vector<Likelihood> altered(const data::TransformOptions& transform) {
    return altered_likelihoods(*model_, made_.store().tokenizer(), split_, options_, transform);
  }
};

TEST_F(PerturbationTest, OnlyTheContextIsAltered) {
  const auto plain = evaluate(*model_, split_, options_, nullptr).model;
  for (const auto& transform : data::transforms()) {
    const auto sums = altered({.name = std::string(transform.name)});
    ASSERT_EQ(sums.size(), plain.size()) << transform.name;
    double difference = 0;
    for (std::size_t d = 0; d < sums.size(); ++d) {
      EXPECT_EQ(sums[d].labels, plain[d].labels);
      EXPECT_EQ(sums[d].words, plain[d].words);
      EXPECT_EQ(sums[d].replies, plain[d].replies);
      difference = std::max(difference, std::abs(sums[d].nll - plain[d].nll));
    }
    EXPECT_GT(difference, 1e-5) << transform.name;
  }
}

TEST_F(PerturbationTest, EqualsScoringTheAlteredContextItself) {
  const data::TransformOptions transform{.name = "reverse_turns"};
  const auto sums = altered(transform);
  model_->eval();
  const torch::NoGradGuard no_grad;
  std::size_t group = 0;
  for (std::uint64_t d = 0; d < split_.dialogues(); ++d) {
    double nll = 0;
    for (std::uint32_t turn = 1; turn < split_.dialogue(d).turns; ++turn) {
      auto context = data::context_of(split_, {.dialogue = d, .turn = turn}, options_);
      std::ranges::reverse(context.turns);
      const auto batch = data::make_batch({context}, options_, made_.special());
      nll -= model_->score(batch).log_probs.sum().item<double>();
    }
    if (split_.dialogue(d).turns < 2) continue;
    EXPECT_NEAR(sums.at(group++).nll, nll, 1e-3) << d;
  }
}

TEST_F(PerturbationTest, WhatIsAlteredIsWhatTheModelSees) {
  // With one turn of context, by either limit, nothing can be moved, however long the dialogue is.
  auto by_turns = options_, by_tokens = options_;
  by_turns.max_context_turns = 1;
  by_tokens.max_context_tokens = 1;
  for (const auto& limits : {by_turns, by_tokens}) {
    options_ = limits;
    const auto plain = evaluate(*model_, split_, options_, nullptr).model;
    for (const auto* name :
         {"keep_last_turn", "reverse_turns", "shuffle_turns", "drop_first_half"}) {
      const auto sums = altered({.name = name});
      for (std::size_t d = 0; d < sums.size(); ++d)
        EXPECT_NEAR(sums[d].nll, plain[d].nll, 1e-4) << name;
    }
    EXPECT_GT(std::abs(total(altered({.name = "drop_last_turn"})).nll - total(plain).nll), 1e-5);
  }
}

TEST_F(PerturbationTest, EqualDialoguesAreDrawnEachByItsOwnId) {
  const auto& tokenizer = made_.store().tokenizer();
  tests::TemporaryFolder folder;
  data::StoreWriter writer(folder.path(), tokenizer);
  data::WordEncoder encoder(tokenizer);
  data::Dialogue dialogue{.id = "", .group = "", .meta = {}, .personas = {}, .turns = {}};
  for (const auto* text : {"the kernel", "boot", "sudo update", "have you tried it", "yes"})
    dialogue.turns.push_back({.speaker = "a", .text = text, .time = {}});
  for (const auto* id : {"a", "b", "c", "d", "e", "f"}) {
    dialogue.id = id;
    writer.add("valid", data::encode(dialogue, encoder));
  }
  writer.finish({});
  const auto store = data::Store::open(folder.path());
  const auto sums = altered_likelihoods(*model_, tokenizer, store.split("valid"), options_,
                                        {.name = "shuffle_turns"});
  std::set<double> different;
  for (const auto& sum : sums) different.insert(sum.nll);
  EXPECT_GT(different.size(), 2U);
}

TEST_F(PerturbationTest, DrawsAreKeyedBySeed) {
  const data::TransformOptions first{.name = "shuffle_turns", .seed = 1};
  const data::TransformOptions second{.name = "shuffle_turns", .seed = 2};
  EXPECT_EQ(total(altered(first)).nll, total(altered(first)).nll);
  EXPECT_NE(total(altered(first)).nll, total(altered(second)).nll);
}

TEST_F(EvaluateTest, AnswersContextsSpreadEvenlyOverTheSplit) {
  const auto& tokenizer = made_.store().tokenizer();
  const auto some = answer(*model_, tokenizer, split_, options_, {}, 7);
  ASSERT_EQ(some.size(), 7U);
  std::set<std::uint64_t> groups;
  for (const auto& sample : some) groups.insert(sample.group);
  EXPECT_EQ(groups.size(), 7U);
  EXPECT_TRUE(std::ranges::is_sorted(some, {}, &Sample::group));
  const auto all = answer(*model_, tokenizer, split_, options_, {}, 1'000'000);
  std::size_t i = 0;
  for (std::uint64_t d = 0; d < split_.dialogues(); ++d) {
    const auto record = split_.record(d);
    for (std::size_t turn = 1; turn < record.turns.size(); ++turn, ++i) {
      EXPECT_EQ(all.at(i).references, std::vector{record.turns[turn].text});
      EXPECT_EQ(all.at(i).group, d);
      EXPECT_FALSE(all.at(i).context.empty());
    }
  }
  EXPECT_EQ(i, all.size());
}

/// Dialogues 3k, 3k + 1 and 3k + 2 tell one talk.
class GroupTest : public EvaluateTest {
 protected:
  static std::uint64_t group_of(std::uint64_t dialogue) { return dialogue / 3 * 3; }

  MadeStore views_{{.seed = 5,
                    .dialogues = 30,
                    .most_turns = 4,
                    .views = 3,
                    .distractors = 2,
                    .tokenizer = made_.store().tokenizer()}};
};

TEST_F(GroupTest, WhatTellsOneTalkIsSummedTogether) {
  const auto& split = views_.split();
  const auto sums = evaluate(*model_, split, options_, &baseline_);
  std::map<std::uint64_t, Likelihood> expected;
  for (const auto& reply : sums.replies) {
    EXPECT_EQ(reply.group, group_of(reply.dialogue));
    expected[reply.group] += reply.sums;
  }
  EXPECT_LE(expected.size(), 10U);
  ASSERT_EQ(sums.model.size(), expected.size());
  const auto altered = altered_likelihoods(*model_, views_.store().tokenizer(), split, options_,
                                           {.name = "reverse_turns"});
  ASSERT_EQ(altered.size(), expected.size());
  std::size_t i = 0;
  for (const auto& [group, sum] : expected) {
    EXPECT_EQ(sums.model[i].replies, sum.replies);
    EXPECT_NEAR(sums.model[i].nll, sum.nll, 1e-9);
    EXPECT_EQ(sums.bigram[i].labels, sum.labels);
    EXPECT_EQ(altered[i++].labels, sum.labels);
  }
}

TEST_F(GroupTest, WhatTellsOneTalkIsOneGroupOfRepliesAndRanks) {
  const auto& split = views_.split();
  const auto samples = answer(*model_, views_.store().tokenizer(), split, options_, {}, 1'000'000);
  const auto ranks =
      rank_replies(*model_, views_.store().tokenizer(), split, options_, RankScore::kMean);
  std::set<std::uint64_t> of_samples, of_ranks;
  for (const auto& sample : samples) of_samples.insert(sample.group);
  for (const auto& rank : ranks) of_ranks.insert(rank.group);
  EXPECT_EQ(of_samples, of_ranks) << "every reply has distractors";
  for (const auto group : of_samples) EXPECT_EQ(group % 3, 0U);
}

}  // namespace
}  // namespace banter::train
