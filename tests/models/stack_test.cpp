// The equations of the stack, and what must not leak from one part of it into another.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "data/pair.h"
#include "models/draft.h"
#include "models/stack_propagation.h"
#include "tests/models/model_test.h"
#include "tests/models/plain_stack.h"

namespace banter::models {
namespace {

const std::string kType = "type: stack_propagation\n";
const std::string kTiny = kType +
                          "dim: 12\nheads: 2\nffn_dim: 9\ndropout: 0\nencoder_layers: 1\n"
                          "decoder_layers: 2\nconsistency_layers: 2\n";
const std::string kOpen = "d2_reads_r1: open\nd2_order: two_pass\n";

class StackTest : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(1); }

  /// A model whose biases and norms have moved from where they start.
  static std::shared_ptr<StackPropagation> moved_model(const std::string& options) {
    auto model = std::dynamic_pointer_cast<StackPropagation>(tiny_model(kTiny + options));
    move_parameters(*model);
    return model;
  }

  /// Pairs of ordinary ids: premises, hypotheses and labels.
  static data::PairBatch pairs(const std::vector<data::Label>& labels, unsigned seed = 3) {
    std::vector<data::Context> contexts =
        tiny_contexts(std::vector<int>(labels.size(), 0), seed, /*facts=*/1);
    data::PairBatch batch;
    batch.texts = tiny_batch(contexts);
    std::vector<std::int64_t> values;
    for (const auto& example : batch.texts.examples) {
      batch.pairs.push_back(example.dialogue);
      values.push_back(static_cast<std::int64_t>(labels[example.dialogue]));
    }
    batch.label = torch::tensor(values, torch::kLong);
    return batch;
  }

  static LossSum loss_of(const std::vector<LossSum>& losses, const std::string& name) {
    return *std::ranges::find(losses, name, &LossSum::name);
  }
};

constexpr auto kEntailed = data::Label::kEntailment;
constexpr auto kNeutral = data::Label::kNeutral;
constexpr auto kContradicted = data::Label::kContradiction;

// ---- equations --------------------------------------------------------------------------------

/// The equations of both decoders, a token at a time.
class PlainConsistency : public PlainStack {
 public:
  PlainConsistency(const StackPropagation& model, const StackOptions& options)
      : PlainStack(model, options), options_(options) {}

  [[nodiscard]] torch::Tensor token(const std::string& part, data::TokenId id) const {
    return p((options_.share_embeddings ? "" : part) + "embedding.token.weight")[id];
  }

  /// E's states of the facts and turns of a context.
  [[nodiscard]] Vectors encoded(const data::Context& context) const {
    Vectors tokens;
    std::size_t source = 0;
    for (const auto& [ids, speaker] : Plain::sources(context)) {
      const auto kind = p("kind.weight")[source++ < context.facts.size() ? 1 : 0];
      for (const auto id : ids) tokens.push_back(token("", id) + kind);
    }
    return run("encoder", tokens, /*is_scaled=*/true);
  }

  /// R1 of a decoder's inputs.
  [[nodiscard]] Vectors drafted(const data::Context& context,
                                const std::vector<data::TokenId>& inputs) const {
    Vectors tokens;
    for (const auto id : inputs) tokens.push_back(token("draft_", id));
    const auto memory = encoded(context);
    return run("decoder", tokens, /*is_scaled=*/true, &memory);
  }

  /// What D2's first layer reads, and zeros in its place.
  [[nodiscard]] Vectors first_of(const std::vector<data::TokenId>& inputs) const {
    Vectors x;
    for (const auto id : inputs) x.push_back(token("consistency_", id));
    return first("consistency", x, /*is_scaled=*/true);
  }
  [[nodiscard]] Vectors zeros_of(const std::vector<data::TokenId>& inputs) const {
    auto x = first_of(inputs);
    for (auto& vector : x) vector = torch::zeros_like(vector);
    return x;
  }

  /// R2 of a decoder's inputs; `reach(t)`: how many of R1 its token t sees.
  template <typename Reach>
  [[nodiscard]] Vectors consistent(const data::Context& context,
                                   const std::vector<data::TokenId>& inputs, const Vectors& r1,
                                   const Reach& reach) const {
    const std::string name = "consistency";
    Vectors x = first_of(inputs), persona;
    auto facts = context;
    facts.turns.clear();
    for (const auto& [ids, speaker] : Plain::sources(facts))
      for (const auto id : ids) persona.push_back(token("consistency_", id));
    persona = first(name, persona, /*is_scaled=*/true);
    for (std::int64_t i = 0; i < options_.consistency_layers; ++i)
      x = layer_of(name + "." + std::to_string(i), x, persona, r1, reach);
    return last(name, x);
  }

  [[nodiscard]] torch::Tensor log_probs_of(const Vectors& states, const std::string& output,
                                           const std::string& part,
                                           const std::vector<data::TokenId>& labels) const {
    const auto table = options_.tied
                           ? (options_.share_embeddings ? "" : part) + "embedding.token.weight"
                           : output + ".weight";
    Vectors log_probs;
    for (std::size_t t = 0; t < labels.size(); ++t)
      log_probs.push_back((p(table).mv(states[t]) + p(output + ".bias")).log_softmax(0)[labels[t]]);
    return torch::stack(log_probs);
  }

 private:
  template <typename Reach>
  [[nodiscard]] Vectors layer_of(const std::string& name, Vectors x, const Vectors& persona,
                                 const Vectors& r1, const Reach& reach) const {
    const auto& d2 = options_.d2;
    const auto self = name + ".attention";
    if (d2.self == "causal")
      x = residual(self + "_norm", x, [&](const Vectors& read, std::size_t t) {
        return attend(self, read[t], t, read, t + 1, true);
      });
    auto seen = persona;
    if (d2.persona == "self_attended")
      seen = residual(self + "_norm", seen, [&](const Vectors& read, std::size_t t) {
        return attend(self, read[t], t, read, read.size(), true);
      });
    const auto over = [&](const std::string& what) {
      return name + (d2.shared_cross ? ".cross" : what) + "_attention";
    };
    x = residual(over(".persona") + "_norm", x, [&](const Vectors& read, std::size_t t) {
      return attend(over(".persona"), read[t], t, seen, seen.size(), false);
    });
    const auto part = [&](const std::string& feed) {
      x = residual(feed + "_norm", x,
                   [&](const Vectors& read, std::size_t t) { return feed_forward(feed, read[t]); });
    };
    if (d2.ffn == "each") part(name + ".persona_feed_forward");
    x = residual(over(".draft") + "_norm", x, [&](const Vectors& read, std::size_t t) {
      return attend(over(".draft"), read[t], t, r1, reach(t), false);
    });
    part(name + ".feed_forward");
    return x;
  }

  StackOptions options_;
};

std::vector<data::TokenId> inputs_of(const std::vector<data::TokenId>& reply) {
  auto inputs = reply;
  inputs.insert(inputs.begin(), data::SpecialIds{}.bos);
  return inputs;
}

TEST_F(StackTest, ScoresAreTheEquations) {
  for (const std::string options :
       {"", "positions: rope\nd2_persona: self_attended\ntied: false\n",
        "norm: post\nd2_self: none\nd2_shared_cross: true\nd2_ffn: last\nshare_embeddings: false\n",
        "positions: learned\nmax_positions: 4\nembedding_norm: true\nd2_ffn: last\n",
        "preset: paper\n", "preset: released_code\nnorm: post\n"}) {
    const auto m = moved_model(options);
    const torch::NoGradGuard no_grad;
    const auto context = tiny_contexts({3}, /*seed=*/7, /*facts=*/2)[0];
    auto labels = context.reply;
    labels.push_back(data::SpecialIds{}.eos);
    const auto inputs = inputs_of(context.reply);
    const PlainConsistency plain(*m, m->options);
    const auto batch = tiny_batch({context});
    const bool is_open = m->passes() == 2;

    auto r1 = plain.drafted(context, inputs);
    const auto further = m->further_scores(batch);
    const auto ppl_d1 = plain.log_probs_of(r1, "output", "draft_", labels);
    EXPECT_EQ(further.at(0).first, "ppl_d1");
    EXPECT_TRUE(torch::allclose(further[0].second.log_probs[0], ppl_d1, kExact, kExact)) << options;
    if (is_open) {
      const auto all =
          plain.consistent(context, inputs, r1, [&](std::size_t) { return r1.size(); });
      EXPECT_EQ(further.at(1).first, "d2_reconstruction");
      EXPECT_TRUE(torch::allclose(
          further[1].second.log_probs[0],
          plain.log_probs_of(all, "consistency_output", "consistency_", labels), kExact, kExact))
          << options;
      const auto draft = greedy_draft(
          *m, m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker),
          m->options.max_draft_tokens);
      std::vector<data::TokenId> own;
      for (std::int64_t t = 0; t < draft.inputs.size(1); ++t)
        own.push_back(draft.inputs[0][t].item<std::int64_t>());
      r1 = plain.drafted(context, own);
    }
    const auto r2 = plain.consistent(context, inputs, r1,
                                     [&](std::size_t t) { return is_open ? r1.size() : t + 1; });
    const auto expected = plain.log_probs_of(r2, "consistency_output", "consistency_", labels);
    const auto scored = m->score(batch, false).log_probs[0];
    EXPECT_TRUE(torch::allclose(scored, expected, kExact, kExact))
        << options << (scored - expected).abs().max();
  }
}

/// A draft is what greedy decoding by D1 says: its most probable token, specials passed over.
TEST_F(StackTest, TheOwnDraftIsD1sMostProbableReply) {
  const auto m = moved_model(kOpen);
  const torch::NoGradGuard no_grad;
  const auto contexts = tiny_contexts({3, 1}, /*seed=*/5, /*facts=*/1);
  const auto batch = tiny_batch(contexts);
  constexpr std::int64_t kMost = 6;
  const auto draft = greedy_draft(
      *m, m->compose(m->encode_turns(batch), batch.context, batch.facts, batch.reply_speaker),
      kMost);
  EXPECT_TRUE(draft.keep.select(1, 0).all().item<bool>());
  const PlainConsistency plain(*m, m->options);
  const data::SpecialIds special;
  for (std::int64_t b = 0; b < 2; ++b) {
    const auto& context = contexts[batch.examples[static_cast<std::size_t>(b)].dialogue];
    std::vector<data::TokenId> inputs = {special.bos};
    for (std::int64_t t = 0; t < kMost; ++t) {
      auto logits = plain.p("embedding.token.weight").mv(plain.drafted(context, inputs).back()) +
                    plain.p("output.bias");
      for (data::TokenId id = 0; id < special.count(); ++id)
        if (id != special.eos || t == 0) logits[id] = -1e9;
      const auto id = logits.argmax().item<std::int64_t>();
      if (id == special.eos) break;
      inputs.push_back(id);
    }
    const auto length = static_cast<std::int64_t>(inputs.size());
    EXPECT_EQ(draft.keep[b].sum().item<std::int64_t>(), length);
    EXPECT_TRUE(draft.inputs[b].narrow(0, 0, length).equal(torch::tensor(inputs)));
  }
}

// ---- what D2 sees -----------------------------------------------------------------------------

/// Everything but the draft's states may change in the context: D2 has no other way to see it.
TEST_F(StackTest, D2SeesTheQueryThroughR1Alone) {
  const auto m = moved_model(kOpen);
  const torch::NoGradGuard no_grad;
  auto context = tiny_contexts({2}, /*seed=*/7, /*facts=*/2)[0];
  const auto refined = [&] { return memory_of(*m, tiny_batch({context})); };
  const auto before = refined();
  context.turns[1].ids = {50, 51, 52, 53, 54, 55, 56};
  const auto after = refined();
  auto with_old_r1 = after;
  const auto of_draft = 1 + 2 * static_cast<std::size_t>(m->options.consistency_layers);
  std::copy(before.parts.end() - static_cast<std::ptrdiff_t>(of_draft), before.parts.end(),
            with_old_r1.parts.end() - static_cast<std::ptrdiff_t>(of_draft));
  const auto ids = torch::tensor({30});
  const auto logits = [&](const Memory& memory) {
    return m->step(ids, memory, start_of(*m, memory, torch::zeros({1}, torch::kLong))).logits;
  };
  EXPECT_TRUE(torch::equal(logits(before), logits(with_old_r1)));
  EXPECT_FALSE(torch::allclose(logits(before), logits(after)));
}

/// The log-probabilities before a label that changes: of D2 that reads all of R1 they move, which
/// is why that reading is no likelihood; all others stay.
TEST_F(StackTest, ALaterTokenMovesAnEarlierLogitOnlyWhereAllOfR1IsRead) {
  auto before = tiny_contexts({2}, /*seed=*/7, /*facts=*/1);
  before[0].reply = {30, 31, 32, 33, 34};
  auto after = before;
  after[0].reply[3] = 40;
  const torch::NoGradGuard no_grad;
  const auto first_of = [](const Score& score) { return score.log_probs[0].narrow(0, 0, 3); };
  for (const auto& options : {std::string(), kOpen}) {
    const auto m = moved_model(options);
    const auto a = tiny_batch(before), b = tiny_batch(after);
    EXPECT_TRUE(torch::equal(first_of(m->score(a, false)), first_of(m->score(b, false))));
    const auto of_a = m->further_scores(a), of_b = m->further_scores(b);
    ASSERT_EQ(of_a.size(), options.empty() ? 1U : 2U);
    EXPECT_TRUE(torch::equal(first_of(of_a[0].second), first_of(of_b[0].second)));
    if (of_a.size() == 1) continue;
    for (std::int64_t t = 0; t < 3; ++t)
      EXPECT_NE(of_a[1].second.log_probs[0][t].item<double>(),
                of_b[1].second.log_probs[0][t].item<double>());
  }
}

// ---- what is learned --------------------------------------------------------------------------

TEST_F(StackTest, TheLossOfD2ReachesTheEncoderUnlessR1IsDetached) {
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

TEST_F(StackTest, PairsAreCountedByLabelAndTrainD2Alone) {
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
TEST_F(StackTest, PairLossesAreThoseOfD2) {
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

TEST_F(StackTest, AnotherPremiseChangesUnlikelihoodOnlyWherePremisesAreUsed) {
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
    EXPECT_EQ(cost(batch) != cost(other), is_used);
  }
}

TEST_F(StackTest, FormsOfUnlikelihoodAndOfR1Differ) {
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

TEST_F(StackTest, AStepOnAContradictedPairMakesItsHypothesisLessProbable) {
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

TEST_F(StackTest, WeightsAreThoseOfThePhase) {
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
TEST_F(StackTest, OnlyD2WaitsForItsPhase) {
  const auto m = moved_model("share_embeddings: false\nphase1_steps: 7\n");
  loss_of(m->losses(tiny_batch(tiny_contexts({3}, /*seed=*/7, /*facts=*/2))), "nll").sum.backward();
  for (const auto& parameter : m->named_parameters()) {
    const bool is_learned = parameter.value().grad().defined();
    EXPECT_EQ(m->active_from(parameter.key()), is_learned ? 0 : 7) << parameter.key();
  }
}

TEST_F(StackTest, TheLongestOwnDraftIsAnOption) {
  const auto batch = tiny_batch(tiny_contexts({3}, /*seed=*/7, /*facts=*/2));
  const torch::NoGradGuard no_grad;
  const auto score = [&](const std::string& most) {
    torch::manual_seed(2);
    return moved_model(kOpen + "max_draft_tokens: " + most + "\n")->score(batch, false).log_probs;
  };
  EXPECT_FALSE(torch::allclose(score("1"), score("2")));
}

/// Names and shapes are the checkpoint's format: a change here is a change of format.
TEST_F(StackTest, ParameterNamesArePinned) {
  const std::string sizes =
      "dim: 6\nheads: 2\nffn_dim: 8\nencoder_layers: 1\ndecoder_layers: 1\nconsistency_layers: 1\n";
  const auto names = [&](const std::string& options) {
    std::vector<std::string> of_d2;
    for (const auto& parameter : tiny_model(kType + sizes + options)->named_parameters()) {
      const auto name = parameter.key().substr(0, parameter.key().rfind('.'));
      const bool is_own = name.find("embedding") != name.npos || name.find("consistency") == 0 ||
                          name == "kind" || name == "output";
      const auto part = name.substr(0, name.find_last_of('.') == name.npos || name.ends_with("norm")
                                           ? name.npos
                                           : name.find_last_of('.'));
      if (is_own && (of_d2.empty() || of_d2.back() != part)) of_d2.push_back(part);
    }
    return of_d2;
  };
  EXPECT_EQ(names(""),
            (std::vector<std::string>{
                "embedding", "kind", "output", "consistency.0.attention",
                "consistency.0.attention_norm", "consistency.0.persona_attention",
                "consistency.0.persona_attention_norm", "consistency.0.draft_attention",
                "consistency.0.draft_attention_norm", "consistency.0.persona_feed_forward",
                "consistency.0.persona_feed_forward_norm", "consistency.0.feed_forward",
                "consistency.0.feed_forward_norm", "consistency.norm", "consistency_output"}));
  EXPECT_EQ(names("share_embeddings: false\nd2_self: none\nd2_shared_cross: true\nd2_ffn: last\n"),
            (std::vector<std::string>{
                "embedding", "draft_embedding", "consistency_embedding", "kind", "output",
                "consistency.0.cross_attention", "consistency.0.cross_attention_norm",
                "consistency.0.feed_forward", "consistency.0.feed_forward_norm", "consistency.norm",
                "consistency_output"}));
}

}  // namespace
}  // namespace banter::models
