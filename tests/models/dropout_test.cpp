// Dropout that knows where a token stands: one mask a row, and words dropped from the table.

#include <cmath>
#include <string>
#include <vector>

#include "models/layers/row_dropout.h"
#include "models/layers/turn_embedding.h"
#include "tests/models/model_test.h"
#include "tests/models/tiny_sizes.h"

namespace banter::models {
namespace {

/// Four rows of 3, 0, 5 and 1 tokens.
Packing some_rows() {
  return make_packing(torch::arange(5).unsqueeze(0).lt(torch::tensor({3, 0, 5, 1}).unsqueeze(1)));
}

/// What the generator would draw next, which this does not change.
torch::Tensor next_draws() {
  auto generator = at::globalContext().defaultGenerator(torch::kCPU);
  const auto state = generator.get_state();
  const auto drawn = torch::rand({4});
  generator.set_state(state);
  return drawn;
}

class DropoutTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(5); }
};

TEST_F(DropoutTest, LockedDropsTheSameOfAllTokensOfARowAndAnotherPartOfEachRow) {
  constexpr double kP = 0.4;
  RowDropout dropout(kP, /*is_locked=*/true);
  const auto rows = some_rows();
  const auto x = torch::ones({rows.places(), 50});
  const auto y = rows.unpack(dropout(x, rows));  // (4,5,50)
  const auto kept = y.ne(0);
  EXPECT_TRUE(torch::allclose(y.masked_select(kept), torch::tensor(1 / (1 - kP)).to(x.dtype())));
  EXPECT_TRUE(torch::equal(y.narrow(1, 0, 3)[0], y[0][0].expand({3, 50})));
  EXPECT_TRUE(torch::equal(y[2], y[2][0].expand({5, 50})));
  EXPECT_FALSE(torch::equal(kept[0][0], kept[2][0]));
  EXPECT_FALSE(torch::equal(kept[0][0], kept[3][0]));
  EXPECT_FALSE(torch::equal(kept[2][0], kept[3][0]));

  RowDropout of_values(kP, /*is_locked=*/false);
  const auto z = rows.unpack(of_values(x, rows)).ne(0);
  EXPECT_FALSE(torch::equal(z[2][0], z[2][1]));
}

TEST_F(DropoutTest, TheGeneratorAndThePlaceSayWhatIsDroppedNotTheThreads) {
  const auto rows = make_packing(torch::ones({40, 10}, torch::kBool));
  const auto x = torch::rand({rows.places(), 500});  // enough for several threads
  const auto threads = torch::get_num_threads();
  for (const bool is_locked : {true, false}) {
    RowDropout dropout(0.3, is_locked);
    const auto drawn = [&](std::uint64_t seed, int number) {
      torch::set_num_threads(number);
      torch::manual_seed(seed);
      return dropout(x, rows);
    };
    const auto alone = drawn(9, 1);
    EXPECT_TRUE(torch::equal(drawn(9, 4), alone));
    EXPECT_FALSE(torch::equal(drawn(10, 1), alone));
    EXPECT_FALSE(torch::equal(dropout(x, rows), drawn(10, 1))) << "the next draw";
  }
  torch::set_num_threads(threads);
}

TEST_F(DropoutTest, BothKindsKeepTheExpectedValue) {
  constexpr double kP = 0.3;
  const auto rows = make_packing(torch::ones({100, 2}, torch::kBool));
  for (const bool is_locked : {true, false}) {
    RowDropout dropout(kP, is_locked);
    const auto y = rows.unpack(dropout(torch::ones({200, 100}), rows)).select(1, 0);
    // 10,000 draws: four standard deviations.
    EXPECT_NEAR(y.mean().item<double>(), 1, 4 * std::sqrt(kP / (1 - kP) / 10000)) << is_locked;
  }
}

TEST_F(DropoutTest, WhatIsDroppedHasNoGradient) {
  const auto rows = some_rows();
  for (const bool is_locked : {true, false}) {
    RowDropout dropout(0.5, is_locked);
    const auto x = torch::ones({rows.places(), 7}).requires_grad_();
    const auto y = dropout(x, rows);
    y.sum().backward();
    EXPECT_TRUE(torch::equal(x.grad(), y.detach())) << is_locked;
    EXPECT_TRUE(y.eq(0).any().item<bool>() && y.ne(0).any().item<bool>());
  }
}

TEST_F(DropoutTest, SwitchedOffItIsNotThereAndDrawsNothing) {
  const auto before = next_draws();
  const auto rows = some_rows();
  const auto x = torch::rand({rows.places(), 7});
  const auto ids = torch::tensor({3, 4, 3});
  for (const double p : {0.0, 0.5}) {
    RowDropout dropout(p, /*is_locked=*/true);
    TurnEmbedding embedding(20, 0, 7, /*speakers=*/false, p);
    if (p > 0) {
      dropout->eval();
      embedding->eval();
    }
    torch::manual_seed(5);
    EXPECT_TRUE(dropout(x, rows).is_same(x)) << p;
    EXPECT_TRUE(torch::equal(embedding(ids), embedding->table().index_select(0, ids))) << p;
    EXPECT_TRUE(torch::equal(next_draws(), before)) << p;
  }
}

TEST_F(DropoutTest, AWordIsDroppedWhereverItStandsAndItsSpeakerIsNot) {
  constexpr double kP = 0.5;
  TurnEmbedding embedding(40, 0, 6, /*speakers=*/true, kP);
  const auto words = torch::arange(8, 40);
  const auto turn_ids = torch::cat({words, words}), reply_ids = words;
  const auto nobody = torch::zeros_like(turn_ids);
  const auto [turns, reply] = embedding->of_both(turn_ids, nobody, reply_ids);
  const auto speaker = embedding->named_parameters()["speaker.weight"][0];
  const auto of_words = (turns - speaker).view({2, 32, 6});
  EXPECT_TRUE(torch::allclose(of_words[0], of_words[1]));
  EXPECT_TRUE(torch::allclose(of_words[0], reply, 1e-5, 1e-6));
  const auto table = embedding->table().index_select(0, words);
  int dropped = 0;
  for (std::int64_t i = 0; i < 32; ++i) {
    const bool is_dropped = reply[i].eq(0).all().item<bool>();
    dropped += is_dropped ? 1 : 0;
    EXPECT_TRUE(is_dropped || torch::allclose(reply[i], table[i] / (1 - kP))) << i;
  }
  EXPECT_GT(dropped, 0);
  EXPECT_LT(dropped, 32);
  EXPECT_FALSE(torch::equal(embedding(reply_ids).eq(0), reply.eq(0))) << "the next look-up's words";
}

TEST_F(DropoutTest, DroppingWordsKeepsTheExpectedValue) {
  constexpr double kP = 0.2;
  TurnEmbedding embedding(10000, 0, 1, /*speakers=*/false, kP);
  {
    const torch::NoGradGuard no_grad;
    embedding->table().fill_(1);
  }
  const double mean = embedding(torch::arange(10000)).mean().item<double>();
  EXPECT_NEAR(mean, 1, 4 * std::sqrt(kP / (1 - kP) / 10000));
}

// ---- in the models ------------------------------------------------------------------------------

/// One reply to two turns; no word stands twice.
data::Batch two_turns() {
  data::Context context;
  context.turns = {{.ids = {31, 32, 33, 34}, .speaker = 1}, {.ids = {35, 36, 37}, .speaker = 2}};
  context.reply_speaker = 1;
  context.reply = {40, 41, 42, 43};
  return tiny_batch({context});
}

/// Where the gradient of a parameter after a training step is not 0; a row of `of` is a word.
torch::Tensor reached(DialogueModel& model, const std::string& parameter,
                      const std::vector<std::int64_t>& rows) {
  return model.named_parameters()[parameter].grad().index_select(0, torch::tensor(rows)).ne(0);
}

ModelPtr trained_once(const std::string& yaml) {
  auto model = tiny_model(yaml);
  move_parameters(*model);
  model->train();
  torch::manual_seed(3);
  total_loss(*model, two_turns()).backward();
  return model;
}

const std::vector<std::string> kRecurrent = {
    "type: hran\n",
    "type: hred\n",
    "type: hred\nlayers: 2\nbidirectional: true\n",
    "type: hred\nencoder: transformer\nheads: 3\nffn_dim: 10\n",
    "type: seq2seq\n",
    "type: seq2seq\nlayers: 2\nbidirectional: true\n",
    "type: vhred\nlatent_dim: 5\nword_drop: 0\n",
    "type: wseq\n"};

/// Of an input that is dropped the word's vector has no gradient, and of a state that is dropped
/// the output layer's column.
TEST_F(DropoutTest, AModelLocksWhatItDropsOfATurnAndOfAReply) {
  const std::string sizes = "embed_dim: 24\nhidden_dim: 30\ndropout: 0.5\n";
  const auto same = [](const torch::Tensor& rows) {
    return torch::equal(rows, rows[0].unsqueeze(0).expand_as(rows));
  };
  for (const auto& type : kRecurrent) {
    const auto locked = trained_once(type + sizes + "dropout_kind: locked\n");
    const auto of_words = [&](DialogueModel& m, const std::vector<std::int64_t>& ids) {
      return reached(m, "embedding.token.weight", ids);
    };
    const auto first = of_words(*locked, {31, 32, 33, 34});
    const auto second = of_words(*locked, {35, 36, 37});
    const auto reply = of_words(*locked, {40, 41, 42, 43});
    EXPECT_TRUE(same(first)) << type;
    EXPECT_TRUE(same(second)) << type;
    EXPECT_TRUE(same(reply)) << type;
    EXPECT_EQ(torch::equal(first[0], second[0]), type_of(type) == "seq2seq")
        << type << "has one row a context";
    EXPECT_FALSE(torch::equal(first[0], reply[0])) << type;
    const auto columns = locked->named_parameters()["output.weight"].grad().ne(0);  // (V,H)
    EXPECT_TRUE(same(columns)) << type;
    const auto share = columns[0].to(torch::kFloat).mean().item<double>();
    EXPECT_GT(share, 0.2) << type;
    EXPECT_LT(share, 0.8) << type;

    const auto values = trained_once(type + sizes);
    EXPECT_FALSE(same(of_words(*values, {31, 32, 33, 34}))) << type;
    EXPECT_FALSE(same(of_words(*values, {40, 41, 42, 43}))) << type;
    const auto all = values->named_parameters()["output.weight"].grad().ne(0)[0];
    EXPECT_GT(all.to(torch::kFloat).mean().item<double>(), 0.8) << type;
  }
}

/// All look-ups of a step read the table without the same words.
TEST_F(DropoutTest, AModelReadsATableWithoutTheWordsThatWereDropped) {
  auto types = kRecurrent;
  for (const std::string type :
       {"transformer\nspeakers: true\n", "recosa\n", "stack_propagation\n"})
    types.push_back("type: " + type + "tied: false\nffn_dim: 10\nheads: 3\n");
  for (const auto& type : types) {
    const bool is_recurrent = type.find("tied: ") == std::string::npos;
    const std::string sizes = is_recurrent ? "embed_dim: 12\nhidden_dim: 10\n" : "dim: 12\n";
    const auto model = trained_once(type + sizes + "dropout: 0\nembedding_dropout: 0.5\n");
    torch::manual_seed(3);
    const auto kept = torch::empty({kVocab}, torch::kDouble).bernoulli_(0.5).ne(0);
    const std::vector<std::int64_t> words = {31, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43};
    const auto expected = kept.index_select(0, torch::tensor(words)).unsqueeze(1).expand({-1, 12});
    EXPECT_TRUE(torch::equal(reached(*model, "embedding.token.weight", words), expected)) << type;
    EXPECT_TRUE(expected.any().item<bool>() && !expected.all().item<bool>());
  }
}

/// Each lacks words of its own.
TEST_F(DropoutTest, TablesThatAreNotSharedAreEachReadSo) {
  const auto model = trained_once(
      "type: stack_propagation\nshare_embeddings: false\ntied: false\ndim: 12\nffn_dim: 10\n"
      "heads: 3\ndropout: 0\nembedding_dropout: 0.5\n");
  torch::manual_seed(3);
  const std::vector<std::int64_t> turns = {31, 32, 33, 34, 35, 36, 37}, reply = {40, 41, 42, 43};
  for (const std::string table : {"", "draft_", "consistency_"}) {
    const auto& words = table.empty() ? turns : reply;
    const auto kept = torch::empty({kVocab}, torch::kDouble).bernoulli_(0.5).ne(0);
    EXPECT_TRUE(
        torch::equal(reached(*model, table + "embedding.token.weight", words),
                     kept.index_select(0, torch::tensor(words)).unsqueeze(1).expand({-1, 12})))
        << table;
  }
}

TEST_F(DropoutTest, WithoutAnyATrainingStepIsTheEvaluations) {
  const std::string none = "dropout: 0\ndropout_kind: locked\nembedding_dropout: 0\n";
  for (const std::string type : {"type: hred\n", "type: seq2seq\n", "type: wseq\n"}) {
    const auto model = tiny_model(type + "embed_dim: 12\nhidden_dim: 10\n" + none);
    const torch::NoGradGuard no_grad;
    const auto loss = [&] { return total_loss(*model, two_turns()).item<double>(); };
    const double expected = loss();
    model->train();
    const auto before = next_draws();
    EXPECT_EQ(loss(), expected) << type;
    EXPECT_TRUE(torch::equal(next_draws(), before)) << type;
  }
}

}  // namespace
}  // namespace banter::models
