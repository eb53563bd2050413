// What the stack learns from replies and pairs, which parameters move by it, and when.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/stack_propagation.h"
#include "tests/models/plain_consistency.h"
#include "tests/models/tiny_stack.h"

namespace banter::models {
namespace {

using StackLossesTest = StackTest;

TEST_F(StackLossesTest, TheLossOfD2ReachesTheEncoderUnlessR1IsDetached) {
  const auto batch = tiny_batch(tiny_contexts({3, 2}, /*seed=*/7, /*facts=*/2));
  const auto reached = [&](const std::string& options) {
    const auto m = moved_model("share_embeddings: false\n" + options);
    loss_of(m->losses(batch), "nll_consistency").sum.backward();
    double encoder = 0, d1 = 0, d2 = 0;
    for (const auto& parameter : m->named_parameters()) {
      const auto& gradient = parameter.value().grad();
      if (!gradient.defined()) continue;
      const auto& name = parameter.key();
      (name.starts_with("consistency")                                      ? d2
       : name.starts_with("decoder") || name.starts_with("draft_embedding") ? d1
                                                                            : encoder) +=
          gradient.abs().sum().item<double>();
    }
    EXPECT_GT(d2, 0) << options;
    EXPECT_EQ(encoder > 0, d1 > 0) << options;
    return encoder > 0;
  };
  EXPECT_TRUE(reached(""));
  EXPECT_TRUE(reached(kOpen));
  EXPECT_FALSE(reached("detach_r1: true\n"));
}

TEST_F(StackLossesTest, PairsAreCountedByLabelAndTrainD2Alone) {
  const auto batch = pairs({kEntailed, kNeutral, kContradicted, kContradicted, kEntailed});
  for (const std::string r1 : {"embedding", "draft_decoder", "zeros", "none"}) {
    const auto m = moved_model("share_embeddings: false\nnli_r1: " + r1 + "\n");
    const auto losses = m->pair_losses(batch);
    const auto counts = m->pair_loss_counts(batch);
    ASSERT_EQ(losses.size(), 2U);
    ASSERT_EQ(counts.size(), 2U);
    const auto lengths = batch.texts.labels.ge(0).sum(1);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto kind = i == 0 ? kEntailed : kContradicted;
      const auto labels = lengths.masked_select(batch.label.eq(static_cast<std::int64_t>(kind)));
      EXPECT_EQ(losses[i].name, i == 0 ? "nll_entailed" : "unlikelihood");
      EXPECT_EQ(counts[i].first, losses[i].name);
      EXPECT_EQ(counts[i].second, labels.sum().item<std::int64_t>());
      EXPECT_EQ(losses[i].count, counts[i].second);
    }
    (losses[0].sum + losses[1].sum).backward();
    for (const auto& parameter : m->named_parameters()) {
      const auto& gradient = parameter.value().grad();
      const bool is_reached = gradient.defined() && gradient.abs().sum().item<double>() > 0;
      if (!parameter.key().starts_with("consistency")) {
        EXPECT_FALSE(is_reached) << r1 << " " << parameter.key();
      }
    }
    EXPECT_TRUE(m->named_parameters()["consistency.0.persona_attention.value.weight"]
                    .grad()
                    .abs()
                    .gt(0)
                    .any()
                    .item<bool>());
  }
}

/// A hypothesis alone is what D2 says of it under its premise, with R1 from where `nli_r1` says.
TEST_F(StackLossesTest, PairLossesAreThoseOfD2) {
  const auto batch = pairs({kEntailed, kContradicted});
  const auto contexts = tiny_contexts({0, 0}, /*seed=*/3, /*facts=*/1);
  for (const std::string r1 : {"draft_decoder", "embedding", "zeros"}) {
    const auto m = moved_model("nli_r1: " + r1 + "\n");
    const torch::NoGradGuard no_grad;
    const PlainConsistency plain(*m, m->options);
    const auto losses = m->pair_losses(batch);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& context = contexts[i];
      auto labels = context.reply;
      labels.push_back(data::SpecialIds{}.eos);
      const auto inputs = inputs_of(context.reply);
      const auto states = r1 == "draft_decoder" ? plain.drafted(context, inputs)
                          : r1 == "embedding"   ? plain.first_of(inputs)
                                                : plain.zeros_of(inputs);
      const auto r2 =
          plain.consistent(context, inputs, states, [](std::size_t t) { return t + 1; });
      const auto log_probs = plain.log_probs_of(r2, "consistency_output", "consistency_", labels);
      const auto expected = i == 0 ? -log_probs.sum() : -torch::log1p(-log_probs.exp()).sum();
      EXPECT_NEAR(losses[i].sum.item<double>(), expected.item<double>(), 1e-8) << r1 << i;
    }
  }
}

TEST_F(StackLossesTest, AnotherPremiseChangesUnlikelihoodOnlyWherePremisesAreUsed) {
  const auto batch = pairs({kContradicted, kContradicted});
  auto other = batch;
  other.texts.facts = batch.texts.facts.flip(0);
  for (const bool is_used : {true, false}) {
    const auto m =
        moved_model(std::string("nli_uses_premise: ") + (is_used ? "true\n" : "false\n"));
    const auto cost = [&](const data::PairBatch& pairs) {
      const torch::NoGradGuard no_grad;
      return loss_of(m->pair_losses(pairs), "unlikelihood").sum.item<double>();
    };
    // The same sum in another order of rows, which not every processor rounds alike.
    constexpr double kRounding = 1e-12, kChange = 1e-4;
    const auto change = std::abs(cost(batch) - cost(other)) / cost(batch);
    EXPECT_TRUE(is_used ? change > kChange : change < kRounding) << change;
  }
}

TEST_F(StackLossesTest, FormsOfUnlikelihoodAndOfR1Differ) {
  const auto batch = pairs({kContradicted, kContradicted, kEntailed});
  const torch::NoGradGuard no_grad;
  std::vector<double> costs;
  for (const std::string options : {"", "ul_form: negated_logits\n", "nli_r1: zeros\n",
                                    "nli_r1: none\n", "nli_r1: draft_decoder\n"}) {
    torch::manual_seed(2);  // the same moves
    costs.push_back(
        loss_of(moved_model(options)->pair_losses(batch), "unlikelihood").sum.item<double>());
  }
  std::ranges::sort(costs);
  EXPECT_EQ(std::ranges::adjacent_find(costs), costs.end());
}

TEST_F(StackLossesTest, AStepOnAContradictedPairMakesItsHypothesisLessProbable) {
  const auto batch = pairs({kContradicted});
  const auto m = moved_model("");
  const auto log_prob = [&] {
    const torch::NoGradGuard no_grad;
    auto entailed = batch;
    entailed.label = torch::zeros_like(batch.label);  // its nll is minus the log-probability
    return -loss_of(m->pair_losses(entailed), "nll_entailed").sum.item<double>();
  };
  const double before = log_prob();
  loss_of(m->pair_losses(batch), "unlikelihood").sum.backward();
  {
    const torch::NoGradGuard no_grad;
    constexpr double kRate = 1e-3;
    for (auto& parameter : m->parameters())
      if (parameter.grad().defined()) parameter.sub_(parameter.grad(), kRate);
  }
  EXPECT_LT(log_prob(), before);
}

TEST_F(StackLossesTest, WeightsAreThoseOfThePhase) {
  const auto m = moved_model(
      "phase1_steps: 3\nconsistency_weight: 0.5\npair_weight: 2\nentailed_share: 0.25\n");
  for (const std::string loss : {"nll_consistency", "nll_entailed", "unlikelihood"})
    EXPECT_EQ(m->loss_weight(loss, 2), 0) << loss;
  EXPECT_EQ(m->loss_weight("nll", 2), 1);
  EXPECT_EQ(m->loss_weight("nll", 3), 1);
  EXPECT_EQ(m->loss_weight("nll_consistency", 3), 0.5);
  EXPECT_EQ(m->loss_weight("nll_entailed", 3), 0.5);
  EXPECT_EQ(m->loss_weight("unlikelihood", 3), 1.5);
}

/// What nll alone learns is active from the beginning, and nothing else is.
TEST_F(StackLossesTest, OnlyD2WaitsForItsPhase) {
  const auto m = moved_model("share_embeddings: false\nphase1_steps: 7\n");
  loss_of(m->losses(tiny_batch(tiny_contexts({3}, /*seed=*/7, /*facts=*/2))), "nll").sum.backward();
  for (const auto& parameter : m->named_parameters()) {
    const bool is_learned = parameter.value().grad().defined();
    EXPECT_EQ(m->active_from(parameter.key()), is_learned ? 0 : 7) << parameter.key();
  }
}

}  // namespace
}  // namespace banter::models
