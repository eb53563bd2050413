#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/optim.h>

#include "base/errors.h"
#include "data/batches/pair_stream.h"
#include "data/store/store_writer.h"
#include "models/registry.h"
#include "tests/batch/made_store.h"
#include "tests/support/temporary_folder.h"
#include "train/evaluation/evaluate.h"
#include "train/evaluation/pairs/premises.h"
#include "train/evaluation/pairs/scoring.h"
#include "train/metrics/pairs/pair_metrics.h"

namespace banter::train {
namespace {

using tests::MadeStore;

const std::string kStack =
    "type: stack_propagation\ndim: 16\nheads: 2\nffn_dim: 16\nencoder_layers: 1\n"
    "decoder_layers: 1\nconsistency_layers: 1\n";

models::ModelPtr model_of(const std::string& yaml, const data::Tokenizer& tokenizer) {
  const auto config = configs::Config::parse(yaml, "test");
  return models::build_model(config.root(), {tokenizer.vocab_size(), tokenizer.special()}, 1);
}

/// The values of metrics by one likelihood.
double value_of(const PairLikelihoods& pairs, std::string_view metric, std::size_t reading = 0) {
  return measure_pairs(pairs, reading, {pair_column(metric).metric}).values().at(0);
}

class PairScoringTest : public testing::Test {
 protected:
  PairLikelihoods score(models::DialogueModel& model) {
    return score_pairs(model, split_, options_, torch::kCPU, /*quiet=*/true);
  }
  MadeStore made_{{.dialogues = 4, .most_words = 12, .pairs = 60}};
  const data::Split& split_ = made_.split();
  const data::Tokenizer& tokenizer_ = made_.store().tokenizer();
  data::BatchOptions options_{.tokens_per_batch = 60, .max_reply_tokens = 3};
};

TEST_F(PairScoringTest, IsTheModelsScoreOfWholeHypothesesBehindEitherPremise) {
  const auto model = model_of("type: transformer\ndim: 16\nheads: 2\nffn_dim: 16\n", tokenizer_);
  const auto pairs = score(*model);
  EXPECT_EQ(pairs.readings, std::vector<std::string>{"ppl"});
  EXPECT_TRUE(model->is_training()) << "left as it was";
  const auto decided = data::chosen_pairs(split_, data::PairChoice::kDecided);
  ASSERT_EQ(pairs.pairs.size(), decided.size());
  const auto others = shuffled_premises(split_, decided, kPremiseSeed);
  model->eval();
  const torch::NoGradGuard no_grad;
  const auto nll_of = [&](std::uint64_t premise, std::uint64_t hypothesis) {
    std::vector<data::Context> contexts(1);
    contexts[0].facts.emplace_back();
    split_.append_premise(premise, contexts[0].facts[0].ids);
    split_.append_hypothesis(hypothesis, contexts[0].reply);
    const auto batch = data::make_batch(contexts, options_, tokenizer_.special());
    return -model->score(batch).log_probs.sum().item<double>();
  };
  for (std::size_t i = 0; i < decided.size(); ++i) {
    const auto& pair = pairs.pairs[i];
    EXPECT_EQ(pair.pair, decided[i]);
    EXPECT_EQ(pair.label, split_.pair_label(decided[i]));
    EXPECT_EQ(pair.labels, split_.hypothesis_length(decided[i]) + 1)
        << "longer than replies may be";
    EXPECT_NEAR(pair.nll[0].own, nll_of(decided[i], decided[i]), 1e-3);
    EXPECT_NEAR(pair.nll[0].shuffled, nll_of(others[i], decided[i]), 1e-3);
  }
}

TEST_F(PairScoringTest, GroupsAreThoseOfThePairs) {
  const auto model = model_of("type: hred\nembed_dim: 8\nhidden_dim: 8\n", tokenizer_);
  const auto pairs = score(*model).pairs;
  for (std::size_t i = 1; i < pairs.size(); ++i)
    EXPECT_EQ(
        pairs[i].group == pairs[i - 1].group,
        split_.pair_record(pairs[i].pair).group == split_.pair_record(pairs[i - 1].pair).group);
}

TEST_F(PairScoringTest, EveryTypeOfModelScoresPairs) {
  const std::string transformer = "\ndim: 16\nheads: 2\nffn_dim: 16\n";
  const std::string recurrent = "\nembed_dim: 8\nhidden_dim: 8\n";
  for (const auto& yaml : {"type: hran" + recurrent, "type: hred" + recurrent,
                           "type: seq2seq" + recurrent, "type: vhred\nlatent_dim: 4" + recurrent,
                           "type: wseq" + recurrent, "type: recosa" + transformer, kStack})
    for (const auto* persona : {"turns", "none"}) {
      options_.persona = persona;
      const auto model = model_of(yaml, tokenizer_);
      const auto pairs = score(*model);
      const auto uniform = std::log(static_cast<double>(tokenizer_.vocab_size()));
      EXPECT_NEAR(std::log(value_of(pairs, "p_ent")), uniform, 1) << yaml << persona;
      bool has_moved = false;
      for (const auto& pair : pairs.pairs) has_moved |= pair.nll[0].own != pair.nll[0].shuffled;
      EXPECT_EQ(has_moved, options_.persona == "turns") << yaml << persona;
    }
}

TEST_F(PairScoringTest, LikelihoodsOfAStackAreNamedAndWhatIsNoneIsLeftOut) {
  const auto readings = [&](const std::string& more) {
    return score(*model_of(kStack + more, tokenizer_)).readings;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(readings(""), (Names{"ppl_d2_causal", "ppl_d1"}));
  EXPECT_EQ(readings("preset: paper\nmax_draft_tokens: 4\n"), (Names{"ppl_d2_draft", "ppl_d1"}));
}

TEST_F(PairScoringTest, HoweverTheyAreBatched) {
  const auto model = model_of(kStack, tokenizer_);
  const auto pairs = score(*model);
  options_.tokens_per_batch = 1;
  const auto alone = score(*model);
  for (std::size_t i = 0; i < pairs.pairs.size(); ++i)
    for (const std::size_t reading : {0U, 1U}) {
      EXPECT_NEAR(pairs.pairs[i].nll[reading].own, alone.pairs[i].nll[reading].own, 1e-3);
      EXPECT_NEAR(pairs.pairs[i].nll[reading].shuffled, alone.pairs[i].nll[reading].shuffled, 1e-3);
    }
}

// ---- premises -------------------------------------------------------------------------------

/// A store of the pairs alone, whose texts are made of the made store's words.
class PairStore {
 public:
  PairStore(const data::Tokenizer& tokenizer, const std::vector<data::Pair>& pairs) {
    data::StoreWriter writer(folder_.path(), tokenizer);
    data::WordEncoder encoder(tokenizer);
    for (const auto& pair : pairs) writer.add("valid", data::encode(pair, encoder));
    writer.finish({});
    store_ = data::Store::open(folder_.path());
  }
  [[nodiscard]] const data::Split& split() const { return store_->split("valid"); }

 private:
  tests::TemporaryFolder folder_;
  std::optional<data::Store> store_;
};

const std::vector<std::string> kThings = {"kernel", "boot", "update", "sudo", "thanks", "yes"};

/// "you have X" entails "it does X" and contradicts "it does Y": every hypothesis is as often
/// entailed as any other.
std::vector<data::Pair> pairs_of_things() {
  std::vector<data::Pair> pairs;
  for (const auto& has : kThings)
    for (const auto& does : kThings)
      pairs.push_back(
          {.id = std::to_string(pairs.size()),
           .premise = "you have " + has,
           .hypothesis = "it does " + does,
           .label = has == does ? data::Label::kEntailment : data::Label::kContradiction,
           .source = "",
           .group = ""});
  return pairs;
}

std::vector<std::uint64_t> all_of(const data::Split& split) {
  return data::chosen_pairs(split, data::PairChoice::kDecided);
}

TEST_F(PairScoringTest, ShuffledPremisesAreOnesOfOthersAndNeverOfTheOwnText) {
  const PairStore store(tokenizer_, pairs_of_things());
  const auto& split = store.split();
  const auto numbers = all_of(split);
  const auto taken = shuffled_premises(split, numbers, 1);
  ASSERT_EQ(taken.size(), numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    EXPECT_NE(split.pair_record(taken[i]).premise, split.pair_record(numbers[i]).premise);
  EXPECT_EQ(shuffled_premises(split, numbers, 1), taken);
  EXPECT_NE(shuffled_premises(split, numbers, 2), taken);
}

TEST_F(PairScoringTest, WhereTextsDifferEveryPremiseIsTakenOnce) {
  const auto numbers = all_of(split_);
  const auto taken = shuffled_premises(split_, numbers, 1);
  EXPECT_EQ(std::set(taken.begin(), taken.end()), std::set(numbers.begin(), numbers.end()));
}

TEST_F(PairScoringTest, APremiseThatIsTheHypothesisIsPassedOver) {
  const auto pair = [](const char* id, const char* premise, const char* hypothesis) {
    return data::Pair{.id = id,
                      .premise = premise,
                      .hypothesis = hypothesis,
                      .label = data::Label::kEntailment,
                      .source = "",
                      .group = ""};
  };
  const PairStore store(
      tokenizer_, {pair("0", "the kernel", "that update"), pair("1", "that update", "the kernel"),
                   pair("2", "you tried sudo", "yes thanks")});
  EXPECT_EQ(shuffled_premises(store.split(), all_of(store.split()), 1).at(0), 2U);
  EXPECT_EQ(shuffled_premises(store.split(), all_of(store.split()), 1).at(1), 2U);
  const PairStore alike(tokenizer_,
                        {pair("0", "the kernel", "yes"), pair("1", "the kernel", "it")});
  EXPECT_THROW(shuffled_premises(alike.split(), all_of(alike.split()), 1), base::DataError);
}

TEST_F(PairScoringTest, ASplitWithoutBothLabelsIsAnErrorThatSaysWhatToDo) {
  auto pairs = pairs_of_things();
  std::erase_if(pairs, [](const auto& pair) { return pair.label == data::Label::kContradiction; });
  const auto model = model_of(kStack, tokenizer_);
  for (const auto& some : {pairs, std::vector<data::Pair>{}}) {
    const PairStore store(tokenizer_, some.empty() ? pairs : some);
    const MadeStore none({.dialogues = 4, .tokenizer = tokenizer_});
    const auto& split = some.empty() ? none.split() : store.split();
    try {
      score_pairs(*model, split, options_, torch::kCPU, true);
      FAIL();
    } catch (const base::DataError& error) {
      EXPECT_NE(std::string(error.what()).find(some.empty() ? "entailment" : "contradiction"),
                std::string::npos);
      EXPECT_NE(std::string(error.what()).find("--pairs"), std::string::npos) << error.what();
    }
  }
}

/// A stack that has learned the pairs by heart: hypotheses by themselves tell it nothing.
TEST_F(PairScoringTest, WhatAStackLearnsFromPairsIsGainedFromThePremise) {
  const PairStore store(tokenizer_, pairs_of_things());
  const auto model = model_of(kStack + "dropout: 0\n", tokenizer_);
  torch::optim::AdamW optimizer(model->parameters(), torch::optim::AdamWOptions(0.01));
  const auto batch =
      data::make_pair_batch(store.split(), all_of(store.split()), options_, tokenizer_.special());
  for (int step = 0; step < 150; ++step) {
    optimizer.zero_grad();
    torch::Tensor total = torch::zeros({});
    for (const auto& loss : model->pair_losses(batch))
      total = total + loss.sum / static_cast<double>(loss.count);
    total.backward();
    optimizer.step();
  }
  const auto pairs = score_pairs(*model, store.split(), options_, torch::kCPU, true);
  const double delta = value_of(pairs, "log_delta_p"), gain = value_of(pairs, "pair_gain");
  EXPECT_GT(delta, 0.5);
  EXPECT_LT(std::abs(value_of(pairs, "log_delta_p_shuffled")), delta / 2);
  EXPECT_GT(gain, 0.5);
  EXPECT_GT(value_of(pairs, "pair_gain_ent"), 0);
}

}  // namespace
}  // namespace banter::train
