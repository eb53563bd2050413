// The layers of Transformers: rows, attention, positions, and decoding a step at a time.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "models/layers/start_parameters.h"
#include "models/layers/transformer/attention_rows.h"
#include "models/layers/transformer/dot_attention.h"
#include "models/layers/transformer/padded_rows.h"
#include "models/layers/transformer/positions.h"
#include "models/layers/transformer/step_slots.h"
#include "models/layers/transformer/transformer_stack.h"
#include "tests/models/model_test.h"
#include "tests/models/same_gradients.h"

namespace banter::models {
namespace {

class TransformerLayersTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }
};

// ---- rows
// ----------------------------------------------------------------------------------------

torch::Tensor in_order(const torch::Tensor& keep) { return torch::arange(keep.size(0)); }

TEST_F(TransformerLayersTest, RowsAreLaidOutWithoutTheGapsOfTheirMask) {
  const auto keep = torch::tensor({{1, 0, 1, 0}, {0, 0, 0, 0}, {1, 1, 1, 0}}).to(torch::kBool);
  const auto order = longest_first(keep);
  EXPECT_TRUE(order.equal(torch::tensor({2, 0, 1})));
  const auto rows = PaddedRows::of(keep, order);
  EXPECT_EQ(rows.lengths, (std::vector<std::int64_t>{3, 2, 0}));
  EXPECT_TRUE(rows.place.equal(torch::tensor({8, 9, 10, 0, 2})));
  EXPECT_TRUE(rows.row.equal(torch::tensor({2, 2, 2, 0, 0})));
  EXPECT_TRUE(rows.positions.index.equal(torch::tensor({0, 1, 2, 0, 1})));
  EXPECT_EQ(rows.positions.end, 3);
  EXPECT_EQ(rows.width, 3);
  EXPECT_TRUE(rows.index().equal(torch::tensor({{3, 4, -1}, {-1, -1, -1}, {0, 1, 2}})));
  const auto values = torch::arange(12).view({3, 4});
  EXPECT_TRUE(rows.unpack(rows.pack(values)).equal(values * keep));
  const auto none = torch::zeros({2, 3}, torch::kBool);
  EXPECT_EQ(PaddedRows::of(none, in_order(none)).width, 0);
}

/// Rows are grouped by length, and a token is in the slot of its row and place.
TEST_F(TransformerLayersTest, ALongRowMakesNoPaddingOfShortOnes) {
  const auto keep = torch::arange(80).lt(torch::tensor({80, 79, 4, 4, 0}).unsqueeze(1));
  const auto rows = AttentionRows::among(PaddedRows::of(keep, in_order(keep)));
  ASSERT_EQ(rows.groups.size(), 3);
  EXPECT_EQ(rows.tokens, (std::vector<std::int64_t>{159, 8, 0}));
  EXPECT_EQ(rows.groups[0].rows, 2);
  EXPECT_EQ(rows.groups[0].width, 80);
  EXPECT_EQ(rows.groups[0].slots[80].item<std::int64_t>(), 80);
  EXPECT_TRUE(rows.groups[0].keep.sum(1).equal(torch::tensor({80, 79})));
  EXPECT_EQ(rows.groups[1].width, 4);
  EXPECT_FALSE(rows.groups[1].slots.defined()) << "nothing is to be moved";
  EXPECT_EQ(rows.groups[2].memory_width, 0);
}

TEST_F(TransformerLayersTest, SlotsAndTheirGradientsAreThoseOfIndexing) {
  const auto slots = torch::tensor({5, 0, 1, 9, 7});
  const auto x = random({5, 6}), weight = torch::randn({3, 4, 6}, torch::kDouble);
  expect_same(
      {x}, [&] { return from_slots(to_slots(x, slots, 3, 4).sin() * weight, slots); },
      [&] { return x.sin() * weight.flatten(0, 1).index_select(0, slots); });
  EXPECT_TRUE(to_slots(x, slots, 3, 4).flatten(0, 1)[2].eq(0).all().item<bool>());
}

// ---- attention
// -----------------------------------------------------------------------------------

TEST_F(TransformerLayersTest, FusedAttentionOverRowsEqualsThePlainOne) {
  const torch::NoGradGuard no_grad;
  const auto index = torch::tensor({{0, 2, -1}, {4, -1, 4}, {-1, -1, -1}, {-1, 3, 1}});
  const auto query = torch::randn({4, 12}, torch::kDouble);
  const auto keys = torch::randn({5, 12}, torch::kDouble), values = torch::randn_like(keys);
  const auto fused = dot_attention(query, keys, values, index, 3);
  const auto plain = dot_attention_plain(query, keys, values, index, 3);
  EXPECT_TRUE(torch::allclose(fused.vectors, plain.vectors, kExact, kExact));
  EXPECT_TRUE(torch::allclose(fused.weights, plain.weights, kExact, kExact));
  EXPECT_TRUE(fused.vectors[2].eq(0).all().item<bool>()) << "a query with nothing to see";
  EXPECT_TRUE(fused.weights.masked_select(index.lt(0)).eq(0).all().item<bool>());
  EXPECT_NEAR(fused.weights[0].sum().item<double>(), 1, kExact);
}

/// What training runs equals what decoding runs, and so do its gradients.
TEST_F(TransformerLayersTest, GroupedAttentionEqualsTheOneOverRows) {
  const std::int64_t B = 3, S = 5, J = 4, D = 12;
  const auto q = random({B, S, D}), k = random({B, J, D}), v = random({B, J, D});
  const auto keep = torch::arange(J).lt(torch::tensor({{2}, {4}, {1}}));
  const auto rows = torch::arange(B * J).view({B, 1, J}).expand({B, S, J}).flatten(0, 1);
  const auto index =
      rows.masked_fill(keep.logical_not().unsqueeze(1).expand({B, S, J}).flatten(0, 1), -1);
  expect_same(
      {q, k, v}, [&] { return grouped_attention(q, k, v, keep, /*causal=*/false, 3); },
      [&] {
        return dot_attention(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), index, 3)
            .vectors.view({B, S, D});
      });
}

TEST_F(TransformerLayersTest, ACausalQuerySeesItselfAndWhatIsBefore) {
  const std::int64_t B = 2, S = 5, D = 8;
  const auto q = random({B, S, D}), k = random({B, S, D}), v = random({B, S, D});
  const auto row = torch::arange(B * S).view({B, 1, S}).expand({B, S, S});
  const auto is_later = torch::arange(S).gt(torch::arange(S).unsqueeze(1));
  const auto index = row.masked_fill(is_later, -1).flatten(0, 1);
  expect_same(
      {q, k, v}, [&] { return grouped_attention(q, k, v, {}, /*causal=*/true, 2); },
      [&] {
        return dot_attention(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), index, 2)
            .vectors.view({B, S, D});
      });
}

TEST_F(TransformerLayersTest, ARowWithNothingKeptGivesZerosAndFiniteGradients) {
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    const auto leaf = [&] { return torch::randn({2, 3, 8}, type).requires_grad_(); };
    const auto q = leaf(), k = leaf(), v = leaf();
    const auto keep = torch::tensor({{1, 1, 0}, {0, 0, 0}}).to(torch::kBool);
    const auto seen = grouped_attention(q, k, v, keep, /*causal=*/false, 2);
    EXPECT_TRUE(seen[1].eq(0).all().item<bool>());
    seen.sum().backward();
    for (const auto& x : {q, k, v}) {
      EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
      EXPECT_TRUE(x.grad()[1].eq(0).all().item<bool>());
    }
  }
}

TEST_F(TransformerLayersTest, AttentionRefusesOtherShapes) {
  const auto x = torch::randn({2, 6}), index = torch::zeros({2, 1}, torch::kLong);
  EXPECT_THROW(dot_attention(x, x, x, index, 4), base::ShapeError);
  EXPECT_THROW(dot_attention(x, x.narrow(1, 0, 4), x, index, 2), base::ShapeError);
  EXPECT_THROW(dot_attention(x, x, x, index.to(torch::kInt), 2), base::ShapeError);
  const auto y = torch::randn({2, 3, 6}), keep = torch::ones({2, 2}, torch::kBool);
  EXPECT_THROW(grouped_attention(y, y, y, keep, false, 2), base::ShapeError);
}

// ---- positions
// -----------------------------------------------------------------------------------

TEST_F(TransformerLayersTest, SinusoidalPositionsAreSinesThenCosines) {
  const auto positions = make_positions("sinusoidal", {.dim = 4, .heads = 1});
  const auto zeros = torch::zeros({2, 4}, torch::kDouble);
  const auto added = positions->added_to(zeros, {torch::tensor({0, 3}), 4});
  EXPECT_TRUE(torch::allclose(added[0], torch::tensor({0.0, 0.0, 1.0, 1.0}, torch::kDouble)));
  const auto expected =
      torch::tensor({std::sin(3.0), std::sin(0.03), std::cos(3.0), std::cos(0.03)}, torch::kDouble);
  EXPECT_TRUE(torch::allclose(added[1], expected, kExact, kExact));
}

TEST_F(TransformerLayersTest, RotaryPositionsTurnPairsByThePlaceTimesTheirFrequency) {
  const auto positions = make_positions("rope", {.dim = 4, .heads = 1});
  const auto x = torch::tensor({1.0, 2.0, 3.0, 4.0}, torch::kDouble).view({1, 1, 4});
  const auto turned = positions->applied_to(x, {torch::tensor({5}), 6}).flatten();
  const auto turn = [&](double u, double v, double angle) {
    return std::pair(u * std::cos(angle) - v * std::sin(angle),
                     v * std::cos(angle) + u * std::sin(angle));
  };
  const auto [a, c] = turn(1, 3, 5.0);
  const auto [b, d] = turn(2, 4, 0.05);
  EXPECT_TRUE(torch::allclose(turned, torch::tensor({a, b, c, d}, torch::kDouble), kExact, kExact));
}

TEST_F(TransformerLayersTest, RotatedProductsDependOnTheDistanceAlone) {
  const auto positions = make_positions("rope", {.dim = 12, .heads = 2});
  const auto q = torch::randn({1, 2, 6}, torch::kDouble),
             k = torch::randn({1, 2, 6}, torch::kDouble);
  const auto product = [&](std::int64_t at_q, std::int64_t at_k) {
    return (positions->applied_to(q, {torch::tensor({at_q}), at_q + 1}) *
            positions->applied_to(k, {torch::tensor({at_k}), at_k + 1}))
        .sum(-1);
  };
  EXPECT_TRUE(torch::allclose(product(7, 3), product(104, 100), 1e-9, 1e-9));
  EXPECT_FALSE(torch::allclose(product(7, 3), product(7, 4), 1e-9, 1e-9));
}

TEST_F(TransformerLayersTest, TokensBehindTheLastLearnedPositionShareIt) {
  const auto positions = make_positions("learned", {.dim = 4, .heads = 1, .most = 3, .offset = 2});
  start_parameters(*positions, 1);
  const auto table = positions->named_parameters()["table.weight"];
  EXPECT_EQ(table.size(0), 5);
  const auto added = positions->added_to(torch::zeros({3, 4}), {torch::tensor({0, 2, 9}), 10});
  EXPECT_TRUE(added[0].equal(table[2]));
  EXPECT_TRUE(added[1].equal(table[4]));
  EXPECT_TRUE(added[2].equal(table[4]));
}

TEST_F(TransformerLayersTest, AnUnknownKindOfPositionsIsRefused) {
  EXPECT_THROW(make_positions("relative", {}), base::ConfigError);
  EXPECT_EQ(positions_kinds(), (std::vector<std::string>{"learned", "rope", "sinusoidal"}));
}

// ---- steps
// ---------------------------------------------------------------------------------------

TEST_F(TransformerLayersTest, SlotsAreWrittenInPlaceOnlyWhereNobodyElseReadsThem) {
  const c10::InferenceMode guard;
  const auto slots = torch::zeros({2, 16, 3});
  const auto length = torch::tensor({0, 4});
  const auto where = StepSlots::of(length);
  EXPECT_TRUE(where.at.equal(torch::tensor({0, 20})));
  EXPECT_TRUE(where.index.ge(0).sum(1).equal(torch::tensor({1, 5})));
  const auto token = torch::ones({2, 3});
  const auto first = where.put(slots, token);
  EXPECT_EQ(first.data_ptr(), slots.data_ptr());
  const auto second = where.put(slots, 2 * token);  // two references now: a copy
  EXPECT_NE(second.data_ptr(), slots.data_ptr());
  EXPECT_EQ(first[1][4][0].item<float>(), 1);
  EXPECT_EQ(second[1][4][0].item<float>(), 2);
}

TEST_F(TransformerLayersTest, FullSlotsGetMoreAndKeepWhatTheyHave) {
  const c10::InferenceMode guard;
  const auto slots = torch::randn({2, 16, 3});
  const auto where = StepSlots::of(torch::tensor({16, 2}));
  EXPECT_EQ(where.capacity, 32);
  const auto filled = where.put(slots, torch::ones({2, 3}));
  EXPECT_TRUE(filled[0].narrow(0, 0, 16).equal(slots[0]));
  EXPECT_TRUE(filled[0][16].eq(1).all().item<bool>());
  EXPECT_TRUE(filled[1][2].eq(1).all().item<bool>());
}

TEST_F(TransformerLayersTest, ALongRowLeavesNoWideSlotsBehindIt) {
  const c10::InferenceMode guard;
  for (const std::int64_t N : {1, 2}) {
    const auto slots = torch::randn({N, 512, 3});
    const auto before = slots.clone();
    const auto where = StepSlots::of(torch::full({N}, 20, torch::kLong));
    EXPECT_EQ(where.capacity, 32);
    const auto filled = where.put(slots, torch::ones({N, 3}));
    EXPECT_EQ(filled.sizes(), (torch::IntArrayRef{N, 32, 3}));
    EXPECT_TRUE(filled.narrow(1, 0, 20).equal(before.narrow(1, 0, 20)));
    EXPECT_TRUE(filled.select(1, 20).eq(1).all().item<bool>());
    EXPECT_TRUE(slots.equal(before)) << "older states stay as they were";
  }
}

TEST_F(TransformerLayersTest, AllStepsAtOnceGiveTheBitsOfOneAfterTheOther) {
  TransformerOptions o;
  o.dim = 8;
  o.heads = 2;
  o.ffn_dim = 6;
  o.positions = "rope";
  TransformerStack stack(o, 2, /*reads_memory=*/true);
  start_parameters(*stack, 1);
  stack->eval();
  const c10::InferenceMode guard;
  constexpr std::int64_t kMost = 5;
  const auto keep = torch::arange(kMost).lt(torch::tensor({{2}, {5}, {4}}));  // (3,5)
  const auto rows = PaddedRows::of(keep, longest_first(keep));
  const auto x = torch::randn({rows.tokens(), o.dim});
  const auto index =
      torch::arange(12).view({3, 4}).masked_fill(torch::tensor({{true}, {false}, {false}}), -1);
  const auto read = stack->read_memory(torch::randn({12, o.dim}));
  const auto all = rows.unpack(stack->all_steps(x, rows, {read, index.index_select(0, rows.row)}));
  const auto inputs = rows.unpack(x);
  std::vector<torch::Tensor> slots;
  for (int part = 0; part < 4; ++part) slots.push_back(torch::zeros({3, 0, o.dim}));
  for (std::int64_t t = 0; t < kMost; ++t) {
    auto step = stack->step(inputs.select(1, t), torch::full({3}, t), slots, {read, index});
    slots = std::move(step.slots);
    for (std::int64_t b = 0; b < 3; ++b)
      EXPECT_TRUE(!keep[b][t].item<bool>() || torch::equal(step.vectors[b], all[b][t])) << b << t;
  }
}

}  // namespace
}  // namespace banter::models
