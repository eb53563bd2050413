// Classifiers of sentence pairs.

#include "models/nli.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <torch/nn/functional/loss.h>

#include "data/batches/pair_batch.h"
#include "models/checkpoint/safetensors.h"
#include "models/pair_classifiers.h"
#include "tests/models/model_test.h"
#include "tests/support/temporary_folder.h"

namespace banter::models {
namespace {

const std::string kYaml = "type: nli\ndim: 12\nheads: 3\nffn_dim: 10\nencoder_layers: 2\n";

std::shared_ptr<Nli> tiny_nli(std::uint64_t seed = 1, const std::string& more = "dropout: 0.2\n") {
  const auto config = configs::Config::parse(kYaml + more, "test");
  auto classifier = build_pair_classifier(config.root(), tiny_vocabulary(), seed);
  classifier->to(torch::kDouble);
  classifier->eval();
  return std::dynamic_pointer_cast<Nli>(classifier);
}

/// Pairs of ordinary ids of different lengths.
std::vector<data::PairIds> tiny_pairs(std::size_t count) {
  std::vector<data::PairIds> pairs;
  for (std::size_t p = 0; p < count; ++p) {
    auto& pair = pairs.emplace_back();
    for (const auto& context : tiny_contexts({1}, static_cast<unsigned>(p + 1), 1)) {
      pair.premise = context.facts.front().ids;
      pair.hypothesis = context.reply;
    }
    pair.label = static_cast<data::Label>(p % 3);
  }
  return pairs;
}

data::PairBatch batch_of(const std::vector<data::PairIds>& pairs) {
  return data::make_pair_batch(pairs, data::BatchOptions{}, data::SpecialIds{});
}

/// By the pairs' own order.
torch::Tensor logits_of(PairClassifier& classifier, const std::vector<data::PairIds>& pairs) {
  const torch::NoGradGuard no_grad;
  const auto batch = batch_of(pairs);
  const auto logits = classifier.logits(batch);
  auto ordered = torch::empty_like(logits);
  for (std::size_t n = 0; n < batch.pairs.size(); ++n)
    ordered[static_cast<std::int64_t>(batch.pairs[n])] = logits[static_cast<std::int64_t>(n)];
  return ordered;
}

TEST(NliTest, WhatAPairGetsDoesNotDependOnItsCompany) {
  const auto classifier = tiny_nli();
  move_parameters(*classifier);
  const auto pairs = tiny_pairs(7);
  const auto together = logits_of(*classifier, pairs);
  for (std::size_t p = 0; p < pairs.size(); ++p)
    EXPECT_TRUE(torch::allclose(logits_of(*classifier, {pairs[p]})[0],
                                together[static_cast<std::int64_t>(p)], 0, 1e-12))
        << p;
}

TEST(NliTest, BothSentencesAreReadAndAreNotTheSame) {
  const auto classifier = tiny_nli();
  move_parameters(*classifier);
  const auto pair = tiny_pairs(1).front();
  const auto logits = logits_of(*classifier, {pair});
  auto other = pair;
  other.premise.front() += 1;
  EXPECT_FALSE(torch::allclose(logits_of(*classifier, {other}), logits));
  other = pair;
  other.hypothesis.back() += 1;
  EXPECT_FALSE(torch::allclose(logits_of(*classifier, {other}), logits));
  std::swap(other.premise, other.hypothesis);
  EXPECT_FALSE(torch::allclose(logits_of(*classifier, {other}), logits));
}

/// The equations behind the encoder, a sentence at a time.
TEST(NliTest, LogitsAreThoseOfTheEquations) {
  const auto classifier = tiny_nli();
  move_parameters(*classifier);
  const auto pair = tiny_pairs(1).front();
  const torch::NoGradGuard no_grad;
  const Plain p(*classifier);
  const data::SpecialIds special;
  std::vector<torch::Tensor> tokens;
  auto premise = pair.premise, hypothesis = pair.hypothesis;
  premise.insert(premise.begin(), special.persona);
  premise.push_back(special.turn_end);
  hypothesis.push_back(special.eos);
  for (const auto id : premise) tokens.push_back(p.token(id) + p("kind.weight")[1]);
  for (const auto id : hypothesis) tokens.push_back(p.token(id) + p("kind.weight")[0]);
  const auto keep = torch::ones({1, static_cast<std::int64_t>(tokens.size())}, torch::kBool);
  const auto encoder =
      std::dynamic_pointer_cast<TransformerStackImpl>(classifier->named_children()["encoder"]);
  const auto x =
      encoder->forward(torch::stack(tokens), PaddedRows::of(keep, torch::zeros(1, torch::kLong)));
  const auto split = static_cast<std::int64_t>(premise.size());
  const auto u = x.narrow(0, 0, split).mean(0);
  const auto v = x.narrow(0, split, x.size(0) - split).mean(0);
  const auto features = torch::cat({u, v, (u - v).abs(), u * v});
  const auto expected = p("output.weight").mv(p.tanh_of("hidden", features)) + p("output.bias");
  EXPECT_TRUE(torch::allclose(logits_of(*classifier, {pair})[0], expected, 0, 1e-12));
}

TEST(NliTest, AGradientReachesEveryParameter) {
  const auto classifier = tiny_nli();
  move_parameters(*classifier);
  const auto batch = batch_of(tiny_pairs(6));
  torch::nn::functional::cross_entropy(classifier->logits(batch), batch.label).backward();
  for (const auto& parameter : classifier->named_parameters()) {
    // A number added to all scores of a query changes no softmax.
    if (parameter.key().ends_with("key.bias")) continue;
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().max().item<double>(), 1e-12) << parameter.key();
  }
}

TEST(NliTest, DropoutIsOfTrainingAlone) {
  const auto classifier = tiny_nli();
  const auto pairs = tiny_pairs(3);
  EXPECT_TRUE(torch::equal(logits_of(*classifier, pairs), logits_of(*classifier, pairs)));
  classifier->train();
  EXPECT_FALSE(torch::equal(logits_of(*classifier, pairs), logits_of(*classifier, pairs)));
}

TEST(NliTest, WordsDroppedFromTheTableAreNotReadInTraining) {
  const auto classifier = tiny_nli(1, "dropout: 0\nembedding_dropout: 0.5\n");
  const auto pairs = tiny_pairs(3);
  EXPECT_TRUE(torch::equal(logits_of(*classifier, pairs), logits_of(*classifier, pairs)));
  move_parameters(*classifier);
  classifier->train();
  torch::manual_seed(2);
  const auto batch = batch_of(pairs);
  torch::nn::functional::cross_entropy(classifier->logits(batch), batch.label).backward();
  torch::manual_seed(2);
  const auto kept = torch::empty({kVocab}, torch::kDouble).bernoulli_(0.5).ne(0);
  const auto reached = classifier->named_parameters()["embedding.token.weight"].grad().ne(0).any(1);
  const std::vector<std::int64_t> words(pairs[0].hypothesis.begin(), pairs[0].hypothesis.end());
  const auto rows = torch::tensor(words);
  EXPECT_TRUE(torch::equal(reached.index_select(0, rows), kept.index_select(0, rows)));
  EXPECT_FALSE(reached.masked_select(kept.logical_not()).any().item<bool>());
}

TEST(NliTest, SavedAndLoadedItSaysTheSameBits) {
  const tests::TemporaryFolder folder;
  const auto first = tiny_nli(1), second = tiny_nli(2);
  const auto pairs = tiny_pairs(3);
  EXPECT_FALSE(torch::equal(logits_of(*first, pairs), logits_of(*second, pairs)));
  first->to(torch::kFloat);
  second->to(torch::kFloat);
  write_safetensors(folder / "model.safetensors", named_tensors(*first));
  assign(*second, read_safetensors(folder / "model.safetensors"));
  EXPECT_TRUE(torch::equal(logits_of(*first, pairs), logits_of(*second, pairs)));
}

TEST(NliTest, NamesAndShapesAreTheCheckpointsFormat) {
  const auto names = names_and_shapes(*tiny_nli());
  const auto table = "embedding.token.weight[" + std::to_string(kVocab) + ", 12]";
  for (const auto* name : {table.c_str(), "kind.weight[2, 12]", "hidden.weight[12, 48]",
                           "hidden.bias[12]", "output.weight[3, 12]", "output.bias[3]"})
    EXPECT_NE(names.find(name), std::string::npos) << name << " of\n" << names;
}

TEST(NliTest, ADialogueModelIsNoClassifierAndTheOtherWayRound) {
  const auto build = [](const std::string& yaml, auto of) {
    const auto config = configs::Config::parse(yaml, "test");
    try {
      of(config.root());
    } catch (const configs::ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto dialogue = [](configs::Section s) { build_model(s, tiny_vocabulary(), 1); };
  const auto pairs = [](configs::Section s) { build_pair_classifier(s, tiny_vocabulary(), 1); };
  EXPECT_NE(build(kYaml, dialogue).find("gives no replies"), std::string::npos);
  EXPECT_NE(build("type: hred\n", pairs).find("a classifier of sentence pairs is wanted"),
            std::string::npos);
  EXPECT_NE(build(kYaml + "hidden_dim: 3\n", pairs).find("hidden_dim"), std::string::npos);
  EXPECT_NE(build("type: nli\nencoder_layers: 0\n", pairs).find("1 to 48"), std::string::npos);
  EXPECT_NE(build("type: nil\n", dialogue).find("nli"), std::string::npos) << "lists all types";
}

}  // namespace
}  // namespace banter::models
