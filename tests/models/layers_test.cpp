#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/rnn.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "base/errors.h"
#include "models/layers/context_rows.h"
#include "models/layers/encoder.h"
#include "models/layers/gru.h"
#include "models/layers/output_layer.h"
#include "models/layers/packing.h"
#include "models/layers/row_attention.h"
#include "models/layers/start_parameters.h"
#include "models/layers/step_tokens.h"
#include "models/layers/word_recurrence.h"
#include "models/rows.h"
#include "tests/models/same_gradients.h"

namespace banter::models {
namespace {

constexpr double kExact = 1e-10;  // double precision, same arithmetic in another order
constexpr double kFloat = 2e-5;   // float32, sums of some hundred terms

torch::Tensor keep_mask(const std::vector<std::int64_t>& lengths, std::int64_t width) {
  return torch::arange(width).lt(torch::tensor(lengths).unsqueeze(1));
}

class LayersTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
};

TEST_F(LayersTest, AMirroredPackingTurnsEveryRowRound) {
  const auto packing = make_packing(keep_mask({2, 0, 4, 1}, 5));
  const auto places = torch::arange(20).view({4, 5});
  const auto turned = packing.unpack(packing.pack(places).index_select(0, packing.mirrored()));
  EXPECT_TRUE(torch::equal(turned[0].narrow(0, 0, 2), torch::tensor({1, 0})));
  EXPECT_TRUE(torch::equal(turned[2].narrow(0, 0, 4), torch::tensor({13, 12, 11, 10})));
  EXPECT_EQ(turned[3][0].item<std::int64_t>(), 15);
  const auto twice = packing.mirrored().index_select(0, packing.mirrored());
  EXPECT_TRUE(torch::equal(twice, torch::arange(packing.places())));
}

TEST_F(LayersTest, ABidirectionalEncoderGivesZerosForAnEmptyRow) {
  Encoder encoder(3, 4, /*bidirectional=*/true);
  start_parameters(*encoder, 1);
  const torch::NoGradGuard no_grad;
  encoder->named_parameters()["join.bias"].fill_(1);
  const auto packing = make_packing(keep_mask({2, 0}, 2));
  const auto last = encoder->encode(torch::randn({2, 3}), packing, false).vectors;
  EXPECT_TRUE(last[1].eq(0).all().item<bool>());
  EXPECT_TRUE(last[0].ne(0).all().item<bool>());
}

TEST_F(LayersTest, PackingKeepsEveryRealPlaceOnceLongestRowsFirst) {
  const auto keep = torch::tensor({{1, 0, 1, 0}, {0, 0, 0, 0}, {1, 1, 1, 0}}).to(torch::kBool);
  const auto packing = make_packing(keep);
  EXPECT_EQ(packing.counts, (std::vector<std::int64_t>{2, 2, 1}));
  EXPECT_TRUE(packing.place.equal(torch::tensor({8, 0, 9, 2, 10})));
  EXPECT_TRUE(packing.row.equal(torch::tensor({2, 0, 2, 0, 2})));
  const auto values = torch::arange(12).view({3, 4});
  EXPECT_TRUE(packing.unpack(packing.pack(values)).equal(values * keep));
  const auto last = packing.at_last(packing.pack(values).unsqueeze(1).to(torch::kFloat));
  EXPECT_TRUE(last.flatten().equal(torch::tensor({2.0F, 0.0F, 10.0F})));
}

TEST_F(LayersTest, PackedGruEqualsTorchGruOnEveryRow) {
  Gru gru(5, 7);
  gru->to(torch::kDouble);
  start_parameters(*gru, 3);
  torch::nn::GRU reference(torch::nn::GRUOptions(5, 7).batch_first(true));
  reference->to(torch::kDouble);
  const torch::NoGradGuard no_grad;
  const auto theirs = reference->named_parameters();
  for (const auto& ours : gru->named_parameters()) theirs[ours.key() + "_l0"].copy_(ours.value());

  const auto x = torch::randn({4, 6, 5}, torch::kDouble);
  const std::vector<std::int64_t> lengths = {3, 6, 1, 6};
  const auto packing = make_packing(keep_mask(lengths, 6));
  const auto states = packing.unpack(gru(packing.pack(x), packing));
  for (std::int64_t row = 0; row < 4; ++row) {
    const auto length = lengths[static_cast<std::size_t>(row)];
    const auto alone = std::get<0>(reference(x.narrow(0, row, 1).narrow(1, 0, length)));
    EXPECT_TRUE(torch::allclose(states[row].narrow(0, 0, length), alone[0], kExact, kExact));
    EXPECT_TRUE(states[row].narrow(0, length, 6 - length).eq(0).all().item<bool>());
  }
}

TEST_F(LayersTest, FusedRecurrenceAndItsGradientsEqualThePlainOnes) {
  const auto packing = make_packing(keep_mask({2, 5, 0, 4}, 5));
  const auto H = 6, P = static_cast<int>(packing.places());
  const auto gates = random({P, 3 * H}), start = random({4, H});
  const auto w = random({3 * H, H}), b = random({3 * H});
  expect_same(
      {gates, start, w, b}, [&] { return gru_recurrence(gates, start, w, b, packing).states; },
      [&] { return gru_recurrence_plain(gates, start, w, b, packing).states; });
}

TEST_F(LayersTest, FusedRecurrenceWithAttentionEqualsThePlainOne) {
  const auto packing = make_packing(keep_mask({2, 5, 3}, 5));
  const auto H = 6, K = 4, P = static_cast<int>(packing.places());
  const auto gates = random({P, 3 * H}), start = random({3, H});
  const auto w = random({3 * H, H}), b = random({3 * H});
  const auto index = torch::tensor({{0, 2, -1}, {1, 0, 3}, {-1, -1, -1}});
  const RecurrentAttention attention{random({K, H}), random({K}), random({5, K}),
                                     random({5, 3 * H}), index};
  expect_same(
      {gates, start, w, b, attention.query_weight, attention.v, attention.keys, attention.values},
      [&] { return gru_recurrence(gates, start, w, b, packing, attention).states; },
      [&] { return gru_recurrence_plain(gates, start, w, b, packing, attention).states; });
  const auto fused = gru_recurrence(gates, start, w, b, packing, attention).weights;
  const auto plain = gru_recurrence_plain(gates, start, w, b, packing, attention).weights;
  EXPECT_TRUE(torch::allclose(fused, plain, kExact, kExact));
}

/// From more rows than go by packed matrices to one: all products that a recurrence knows.
TEST_F(LayersTest, FusedRecurrencesOfManyRowsEqualThePlainOnes) {
  constexpr std::int64_t kRows = 70, kSteps = 30;
  std::vector<std::int64_t> lengths;
  for (std::int64_t row = 0; row < kRows; ++row) lengths.push_back(1 + row * 11 % kSteps);
  const auto packing = make_packing(keep_mask(lengths, kSteps));
  ASSERT_EQ(packing.counts.front(), kRows);
  ASSERT_LT(packing.counts.back(), 4);
  const auto H = 30, K = 26, P = static_cast<int>(packing.places());
  const auto gates = random({P, 3 * H}), start = random({kRows, H});
  const auto w = random({3 * H, H}), b = random({3 * H});
  const auto index = torch::randint(-1, 9, {kRows, 3}, torch::kLong);
  const RecurrentAttention attention{random({K, H}), random({K}), random({9, K}),
                                     random({9, 3 * H}), index};
  for (const auto& matrix : {w, attention.query_weight}) {  // or 30 steps make much of rounding
    const torch::NoGradGuard no_grad;
    torch::Tensor(matrix).mul_(0.2);
  }
  expect_same(
      {gates, start, w, b}, [&] { return gru_recurrence(gates, start, w, b, packing).states; },
      [&] { return gru_recurrence_plain(gates, start, w, b, packing).states; });
  expect_same(
      {gates, start, w, b, attention.query_weight, attention.v, attention.keys, attention.values},
      [&] { return gru_recurrence(gates, start, w, b, packing, attention).states; },
      [&] { return gru_recurrence_plain(gates, start, w, b, packing, attention).states; });
}

TEST_F(LayersTest, ARecurrenceRefusesABiasOfAnotherSize) {
  const auto packing = make_packing(keep_mask({2, 1}, 2));
  const auto gates = random({3, 6}), w = random({6, 2});
  for (const auto& bias : {random({5}), random({1, 6})})
    EXPECT_THROW(gru_recurrence(gates, {}, w, bias, packing), base::ShapeError);
}

/// Attention over the words of turns for five replies: turns of several lengths, a place between
/// turns, a reply without turns, a turn without words, a reply with one turn.
WordAttention made_word_attention(std::int64_t H, std::int64_t K, bool has_rnn) {
  const auto words = torch::tensor({{{0, 2, 1}, {3, -1, -1}, {4, 5, -1}},
                                    {{3, -1, -1}, {-1, -1, -1}, {0, 2, 1}},
                                    {{-1, -1, -1}, {-1, -1, -1}, {-1, -1, -1}},
                                    {{-1, -1, -1}, {4, 5, -1}, {-1, -1, -1}},
                                    {{3, -1, -1}, {-1, -1, -1}, {-1, -1, -1}}});
  const auto keep =
      torch::tensor({{1, 1, 1}, {1, 0, 1}, {0, 0, 0}, {1, 1, 0}, {1, 0, 0}}).to(torch::kBool);
  WordAttention made{.word_query_weight = random({K, H}),
                     .word_v = random({K}),
                     .word_keys = random({6, K}),
                     .word_values = random({6, has_rnn ? 3 * H : H}),
                     .words = words,
                     .keep = keep,
                     .rnn_bias_ih = {},
                     .rnn_weight_hh = {},
                     .rnn_bias_hh = {},
                     .turn_weight = random({K, H}),
                     .turn_query_weight = random({K, H}),
                     .turn_v = random({K}),
                     .context_weight = random({3 * H, H})};
  if (has_rnn) {
    made.rnn_bias_ih = random({3 * H});
    made.rnn_weight_hh = random({3 * H, H});
    made.rnn_bias_hh = random({3 * H});
  }
  return made;
}

TEST_F(LayersTest, FusedRecurrenceOverWordsEqualsThePlainOne) {
  for (const bool has_rnn : {false, true}) {
    for (const auto& lengths : {std::vector<std::int64_t>{2, 5, 3, 4, 5},
                                {5, 0, 1, 2, 3},
                                {0, 0, 3, 0, 0},
                                {0, 0, 0, 0, 2}}) {
      const auto packing = make_packing(keep_mask(lengths, 5));
      const auto H = 6, P = static_cast<int>(packing.places());
      const auto gates = random({P, 3 * H}), start = random({5, H});
      const auto w = random({3 * H, H}), b = random({3 * H});
      const auto a = made_word_attention(H, /*K=*/5, has_rnn);
      std::vector<torch::Tensor> leaves = {gates,
                                           start,
                                           w,
                                           b,
                                           a.word_query_weight,
                                           a.word_v,
                                           a.word_keys,
                                           a.word_values,
                                           a.turn_weight,
                                           a.turn_query_weight,
                                           a.turn_v,
                                           a.context_weight};
      if (has_rnn) leaves.insert(leaves.end(), {a.rnn_bias_ih, a.rnn_weight_hh, a.rnn_bias_hh});
      expect_same(
          leaves, [&] { return word_recurrence(gates, start, w, b, packing, a).states; },
          [&] { return word_recurrence_plain(gates, start, w, b, packing, a).states; });
      const auto fused = word_recurrence(gates, start, w, b, packing, a).weights;
      const auto plain = word_recurrence_plain(gates, start, w, b, packing, a).weights;
      EXPECT_TRUE(torch::allclose(fused, plain, kExact, kExact));
    }
  }
}

TEST_F(LayersTest, RowAttentionAndItsGradientsEqualThePlainOnes) {
  const auto query = random({3, 4}), keys = random({5, 4}), v = random({4});
  const auto values = random({5, 7});
  const auto index = torch::tensor({{0, 2}, {4, -1}, {-1, -1}});
  expect_same(
      {query, keys, v, values},
      [&] { return weighted_rows(additive_weights(query, keys, index, v), values, index); },
      [&] {
        return weighted_rows_plain(additive_weights_plain(query, keys, index, v), values, index);
      });
}

TEST_F(LayersTest, OutputLayerEqualsCrossEntropyOverSeveralChunks) {
  OutputLayer output(8, 50);
  output->to(torch::kDouble);
  start_parameters(*output, 1);
  const auto x = random({1100, 8});
  const auto labels = torch::randint(50, {1100});
  const auto options = torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum);
  expect_same(
      {x, output->weight, output->bias}, [&] { return output->nll_sum(x, labels); },
      [&] {
        return torch::nn::functional::cross_entropy(torch::linear(x, output->weight, output->bias),
                                                    labels, options);
      });
  const auto fit = output->fit(x, labels);
  const auto logits = torch::linear(x, output->weight, output->bias);
  EXPECT_TRUE(fit.correct.equal(logits.argmax(1).eq(labels)));
  EXPECT_NEAR(fit.nll.sum().item<double>(), output->nll_sum(x, labels).item<double>(), 1e-8);
}

TEST_F(LayersTest, SmoothedLabelsCostWhatAHandSays) {
  OutputLayer output(1, 4);
  output->to(torch::kDouble);
  {
    const torch::NoGradGuard no_grad;
    output->weight.zero_();  // log p of ids 0 to 3: 1/8, 1/2, 1/8, 1/4
    output->bias.copy_(torch::tensor({1.0, 4.0, 1.0, 2.0}, torch::kDouble).log());
  }
  output->smoothing = {.share = 0.3, .padding = 0};
  const auto x = torch::ones({1, 1}, torch::kDouble);
  const auto sums = output->smoothed_sum(x, torch::tensor({1}));
  EXPECT_NEAR(sums.nll.item<double>(), std::log(2.0), 1e-12);
  // 0.7 ln 2 + 0.1 (ln 2 + 3 ln 2 + 2 ln 2)
  EXPECT_NEAR(sums.smoothed.item<double>(), 1.3 * std::log(2.0), 1e-12);
  EXPECT_FALSE(sums.nll.requires_grad());
  sums.smoothed.backward();
  const auto expected = torch::tensor({0.125, 0.5 - 0.8, 0.125 - 0.1, 0.25 - 0.1}, torch::kDouble);
  EXPECT_TRUE(torch::allclose(output->bias.grad(), expected, 0, 1e-12)) << output->bias.grad();
}

TEST_F(LayersTest, SmoothedLabelsEqualCrossEntropyOverSeveralChunks) {
  OutputLayer output(8, 50);
  output->to(torch::kDouble);
  start_parameters(*output, 1);
  const auto x = random({1100, 8});
  const auto labels = torch::randint(1, 50, {1100});
  for (const double share : {0.0, 0.1, 0.9}) {
    output->smoothing = {.share = share, .padding = 0};
    expect_same(
        {x, output->weight, output->bias}, [&] { return output->smoothed_sum(x, labels).smoothed; },
        [&] {
          const auto log_probs = torch::linear(x, output->weight, output->bias).log_softmax(1);
          auto wanted = torch::full_like(log_probs, share / 49);
          wanted.select(1, 0).zero_();
          wanted.scatter_add_(1, labels.unsqueeze(1),
                              torch::full({1100, 1}, 1 - share, torch::kDouble));
          return -(wanted * log_probs).sum();
        });
    EXPECT_NEAR(output->smoothed_sum(x, labels).nll.item<double>(),
                output->nll_sum(x, labels).item<double>(), 1e-8);
  }
}

TEST_F(LayersTest, UnlikelihoodIsWhatItSaysOverSeveralChunks) {
  OutputLayer output(8, 50);
  output->to(torch::kDouble);
  start_parameters(*output, 1);
  const auto x = random({1100, 8});
  const auto labels = torch::randint(50, {1100});
  const auto logits = [&] { return torch::linear(x, output->weight, output->bias); };
  const auto of_labels = [&](const torch::Tensor& all) {
    return all.gather(1, labels.unsqueeze(1));
  };
  const std::vector<torch::Tensor> leaves = {x, output->weight, output->bias};
  expect_same(
      leaves, [&] { return output->unlikelihood_sum(x, labels, Unlikelihood::kLog1mp); },
      [&] { return -torch::log1p(-of_labels(logits().softmax(1))).sum(); });
  expect_same(
      leaves, [&] { return output->unlikelihood_sum(x, labels, Unlikelihood::kNegatedLogits); },
      [&] { return -of_labels((-logits()).log_softmax(1)).sum(); });
}

/// Where 1 - p has no digits left, the cost is still right and pulls as it should.
TEST_F(LayersTest, UnlikelihoodOfACertainLabelIsFinite) {
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    OutputLayer output(1, 3);
    output->to(type);
    const torch::Tensor x = torch::ones({1, 1}, type).requires_grad_();
    for (const double gap : {0.0, 5.0, 27.63, 200.0}) {  // 27.63: p = 1 - 1e-12, of three labels
      {
        const torch::NoGradGuard no_grad;
        output->weight.copy_(torch::tensor({{gap}, {0.0}, {0.0}}));
        output->bias.zero_();
      }
      output->zero_grad();
      const auto cost = output->unlikelihood_sum(x, torch::tensor({0}), Unlikelihood::kLog1mp);
      cost.backward();
      EXPECT_NEAR(cost.item<double>(), std::log1p(std::exp(gap) / 2), 1e-5 * (1 + gap));
      const double p = 1 / (1 + 2 * std::exp(-gap));
      const auto& gradient = output->bias.grad();
      EXPECT_NEAR(gradient[0].item<double>(), p, 1e-6);
      EXPECT_NEAR(gradient[1].item<double>(), -p / 2, 1e-6);
    }
  }
}

TEST_F(LayersTest, ALabelOfPaddingIsRefused) {
  OutputLayer output(4, 9);
  start_parameters(*output, 1);
  const auto x = torch::randn({2, 4}), labels = torch::tensor({3, -100});
  EXPECT_THROW(output->nll_sum(x, labels), base::Error);
  EXPECT_THROW(output->smoothed_sum(x, labels), base::Error);
  for (const auto form : {Unlikelihood::kLog1mp, Unlikelihood::kNegatedLogits})
    EXPECT_THROW(output->unlikelihood_sum(x, labels, form), base::Error);
}

TEST_F(LayersTest, RowsOfALinearMapAreBitEqualAloneAndInCompany) {
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({33, 96});
  const auto table = torch::randn({500, 120});
  const auto weight = table.narrow(1, 20, 96);  // columns of a wider matrix
  const auto bias = torch::randn({500});
  StepLinear linear;
  linear->eval();
  const auto together = linear->forward(x, weight, bias);
  EXPECT_TRUE(torch::allclose(together, torch::linear(x, weight, bias), kFloat, kFloat));
  for (std::int64_t n = 0; n < 33; ++n)
    EXPECT_TRUE(linear->forward(x.narrow(0, n, 1), weight, bias)[0].equal(together[n])) << n;
}

TEST_F(LayersTest, StepLinearRefusesOtherShapes) {
  StepLinear linear;
  linear->eval();
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({2, 5}), weight = torch::randn({7, 5});
  EXPECT_THROW(linear->forward(x[0], weight), base::ShapeError);
  EXPECT_THROW(linear->forward(x, weight.t()), base::ShapeError);
  EXPECT_THROW(linear->forward(x, weight.to(torch::kDouble)), base::ShapeError);
  EXPECT_THROW(linear->forward(x, weight, torch::randn({5})), base::ShapeError);
}

TEST_F(LayersTest, ALinearMapFollowsItsWeight) {
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({3, 7});
  auto weight = torch::randn({50, 7});
  StepLinear linear;
  linear->eval();
  const auto expect_current = [&](const torch::Tensor& w) {
    EXPECT_TRUE(torch::allclose(linear->forward(x, w), torch::linear(x, w), kFloat, kFloat));
  };
  expect_current(weight);
  weight.mul_(2);  // in place
  expect_current(weight);
  expect_current(weight.narrow(0, 10, 20));   // another map
  expect_current(torch::randn({7, 50}).t());  // columns apart
  expect_current(weight);
  std::fill_n(weight.data_ptr<float>(), weight.numel(), 0.25F);  // as an optimizer does
  linear->train();
  linear->eval();
  expect_current(weight);
}

TEST_F(LayersTest, AStepsTokensAreWhatTheProductSays) {
  const torch::NoGradGuard no_grad;
  constexpr std::int64_t V = 5000;
  auto table = torch::randn({V, 12}), wide = torch::randn({40, 30}), bias = torch::randn({40});
  const auto weight = wide.narrow(1, 3, 12);  // columns of a wider matrix
  StepTokens tokens;
  StepLinear linear;
  tokens->eval();
  linear->eval();
  const auto check = [&](const torch::Tensor& ids) {
    EXPECT_TRUE(torch::equal(tokens->forward(ids, table, weight, bias),
                             linear->forward(table.index_select(0, ids), weight, bias)));
  };
  check(torch::tensor({7, 3, 7, 4999}));
  check(torch::tensor({3, 8, 8, 7}));
  check(torch::tensor({{3, 1}, {8, 2}, {9, 5}}).select(1, 0));  // apart
  {
    const c10::InferenceMode guard;
    check(torch::tensor({3, 900}));
  }
  check(torch::tensor({901, 900}));
  EXPECT_THROW(tokens->forward(torch::tensor({std::int64_t{11}, V}), table, weight, bias),
               std::out_of_range);
  check(torch::tensor({11}));  // not half made
  for (auto* changed : {&table, &wide, &bias}) {
    changed->mul_(2);  // in place
    check(torch::tensor({7, 3, 11}));
  }
  check(torch::arange(V));  // more than are kept
  check(torch::arange(4000));
  check(torch::arange(3900, 4200));
  std::fill_n(table.data_ptr<float>(), table.numel(), 0.25F);  // as an optimizer does
  tokens->train();
  tokens->eval();
  linear->train();
  linear->eval();
  check(torch::tensor({7, 3}));
  table.set_data(torch::randn({V, 12}));
  check(torch::tensor({7, 3}));
}

TEST_F(LayersTest, WhatAMemorysRowsAreReadByLooksAtKeptSources) {
  const auto memory = torch::randn({3, 2, 4});
  const auto keep = torch::tensor({{true, false}, {true, true}, {false, true}});
  const auto seen = ContextRows::of_memory(memory, keep, torch::tensor({2, 0, 2, 1}));
  EXPECT_TRUE(torch::equal(seen.index, torch::tensor({{-1, 5}, {0, -1}, {-1, 5}, {2, 3}})));
  EXPECT_TRUE(torch::equal(seen.rows, memory.flatten(0, 1)));
  const auto apart = torch::tensor({{2, 9}, {0, 9}, {2, 9}, {1, 9}}).select(1, 0);
  EXPECT_TRUE(torch::equal(ContextRows::of_memory(memory, keep, apart).index, seen.index));
}

/// The row's candidates hold its arg max, with the bits of the row, and the others are below.
void expect_screened(const ScreenedRow& screened, const torch::Tensor& logits) {
  ASSERT_FALSE(screened.candidates.empty());
  auto rest = logits.clone();
  for (const auto& [id, logit] : screened.candidates) {
    EXPECT_EQ(logits[id].item<float>(), logit);
    rest[id] = -std::numeric_limits<float>::infinity();
  }
  EXPECT_LT(rest.max().item<float>(), screened.below);
  const auto best = std::ranges::max_element(screened.candidates, {}, &Candidate::logit);
  EXPECT_EQ(best->id, logits.argmax().item<std::int64_t>());
  EXPECT_TRUE(std::ranges::is_sorted(screened.candidates, {}, &Candidate::id));
}

TEST_F(LayersTest, AScreenFindsWhatTheLogitsSay) {
  if (label_bound_kernels().most_rows < 8) GTEST_SKIP() << "no row is screened on this CPU";
  const torch::NoGradGuard no_grad;
  for (const bool is_tied : {false, true}) {
    const auto table = torch::randn({700, 24});
    auto output = is_tied ? OutputLayer(37, table) : OutputLayer(37, 700);
    start_parameters(*output, 1);
    output->bias.normal_();
    output->eval();
    const auto check = [&](const torch::Tensor& x) {
      const auto logits = output->logits(x);
      const auto screened = output->screen(x);
      ASSERT_EQ(std::ssize(screened), x.size(0));
      for (std::int64_t n = 0; n < x.size(0); ++n)
        expect_screened(screened[static_cast<std::size_t>(n)], logits[n]);
    };
    const auto x = torch::randn({8, 37}) * 3;
    check(x);
    output->weight.mul_(-1);  // in place
    check(x);
    output->bias[3] = 100;
    output->weight[5] = output->weight[3];  // a tie: the lower id
    output->bias[5] = 100;
    check(x);
    EXPECT_EQ(output->screen(x)[0].candidates.size(), 2U);
    std::fill_n(output->bias.data_ptr<float>(), 700, 0.25F);  // as an optimizer does
    output->train();
    output->eval();
    check(x);
  }
}

TEST_F(LayersTest, WhatCannotBeScreenedIsSaid) {
  if (label_bound_kernels().most_rows < 8) GTEST_SKIP() << "no row is screened on this CPU";
  const torch::NoGradGuard no_grad;
  OutputLayer output(16, 600);
  start_parameters(*output, 1);
  output->eval();
  const auto is_empty = [](const ScreenedRow& row) { return row.candidates.empty(); };
  auto x = torch::randn({3, 16});
  x[1][4] = std::numeric_limits<float>::quiet_NaN();
  x[2] = 0;  // all logits are the same
  const auto some = output->screen(x);
  EXPECT_FALSE(is_empty(some[0]));
  EXPECT_TRUE(is_empty(some[1]));
  EXPECT_TRUE(is_empty(some[2]));
  output->weight[7][2] = std::numeric_limits<float>::infinity();
  const auto open = output->screen(x.narrow(0, 0, 1))[0];
  EXPECT_TRUE(std::ranges::any_of(open.candidates, [](const auto& one) { return one.id == 7; }));
  output->train();
  EXPECT_TRUE(std::ranges::all_of(output->screen(x), is_empty));
  output->eval();
  output->to(torch::kDouble);
  EXPECT_TRUE(std::ranges::all_of(output->screen(x.to(torch::kDouble)), is_empty));
}

TEST_F(LayersTest, FirstValuesFollowTheRuleAndTheSeed) {
  Gru gru(16, 32), again(16, 32), other(16, 32);
  torch::nn::Embedding embedding(torch::nn::EmbeddingOptions(1000, 64).padding_idx(0));
  start_parameters(*gru, 5);
  start_parameters(*again, 5);
  start_parameters(*other, 6);
  start_parameters(*embedding, 5);
  EXPECT_TRUE(gru->weight_hh.equal(again->weight_hh));
  EXPECT_FALSE(gru->weight_hh.equal(other->weight_hh));
  for (const auto& gate : gru->weight_hh.chunk(3))
    EXPECT_TRUE(torch::allclose(gate.mm(gate.t()), torch::eye(32), 0, 1e-5));
  EXPECT_LE(gru->weight_ih.abs().max().item<double>(), std::sqrt(6.0 / (16 + 32)));
  EXPECT_TRUE(gru->bias_ih.eq(0).all().item<bool>());
  EXPECT_TRUE(embedding->weight[0].eq(0).all().item<bool>());
  EXPECT_NEAR(embedding->weight.std().item<double>(), 1 / 8.0, 0.005);
  torch::nn::Conv1d unknown(1, 1, 1);
  EXPECT_THROW(start_parameters(*unknown, 1), base::Error);
}

TEST_F(LayersTest, JoinedRowsAreWidenedWithZeros) {
  const Rows a{{torch::ones({2, 3, 2}), torch::ones({2})}};
  const Rows b{{torch::ones({1, 1, 2}), torch::zeros({1})}};
  const auto joined = Rows::join(a, b);
  EXPECT_EQ(joined.size(), 3);
  EXPECT_TRUE(joined.parts[0][2].narrow(0, 1, 2).eq(0).all().item<bool>());
  const auto chosen = joined.select(torch::tensor({2, 0, 0}));
  EXPECT_TRUE(chosen.parts[1].equal(torch::tensor({0.0F, 1.0F, 1.0F})));
  EXPECT_THROW(Rows::join(a, Rows{{torch::ones({1})}}), base::ShapeError);
}

}  // namespace
}  // namespace banter::models
